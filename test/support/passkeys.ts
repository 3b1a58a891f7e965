import type { Passkey } from "../../src/domain/passkey.ts";
import { freshAddress, type Person, type World } from "./auth.ts";
import { type Authenticator, type Misuse, newAuthenticator } from "./authenticator.ts";
import { addPasskey, personAt } from "./factors.ts";

/** A user with a passkey, in the session of the sign-up. */
export interface PasskeyUser {
  readonly person: Person;
  readonly authenticator: Authenticator;
  readonly passkey: Passkey;
}

/** Tools for tests of passkeys, for the users of a world. */
export function usersWithPasskeys(world: World) {
  type Device = Parameters<typeof newAuthenticator>[0];

  async function withPasskey(device?: Device): Promise<PasskeyUser> {
    const person = await world.person();
    const authenticator = await newAuthenticator(device);
    return { person, authenticator, passkey: await addPasskey(world, person, authenticator, "laptop") };
  }

  const passkeySignIn = async (authenticator: Authenticator, misuse?: Misuse) =>
    await world.auth.signIn.passkey({
      response: await authenticator.get(await world.auth.signIn.passkeyOptions(), misuse),
      context: { address: freshAddress() },
    });

  /** A user in a session of their passkey, which account changes then need. */
  async function inside(device?: Device): Promise<PasskeyUser> {
    const made = await withPasskey(device);
    return { ...made, person: await personAt(world, made.person, await passkeySignIn(made.authenticator)) };
  }

  /** The second factor of the sign-in that `ticket` belongs to. */
  const proofBy = async (authenticator: Authenticator, ticket: string) => ({
    type: "webauthn" as const,
    response: await authenticator.get(await world.auth.passkeys.proofOptions({ ticket })),
  });

  return { withPasskey, passkeySignIn, inside, proofBy };
}
