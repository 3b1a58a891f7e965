import { type LinkedIdentity, linkedIdentity } from "../domain/identity-provider.ts";
import { toBody, type WireOf } from "../domain/record.ts";

/** An identity at a provider, in a response. */
export interface LinkedIdentityBody extends WireOf<typeof linkedIdentity> {}

export function linkedIdentityBody(identity: LinkedIdentity): LinkedIdentityBody {
  return toBody(linkedIdentity, identity);
}
