import { expect } from "vitest";
import type { OrganizationId } from "../../src/domain/id.ts";
import type { SecurityPolicy, SecuritySettings } from "../../src/domain/security-policy.ts";
import { type FullOptions, outcome, type Person, system, type World } from "./auth.ts";
import { practiceIssuer, practiceProvider } from "./practice-provider.ts";

/** Asks for nothing. */
export const asksNothing: Required<SecuritySettings> = {
  require: "none",
  graceDays: 0,
  maxAgeSeconds: null,
  maxIdleSeconds: null,
  allowedProviders: null,
  breakGlass: null,
};

/** The body of a request for a policy that asks for little. */
export const policyBody: object = {
  require: "none",
  grace_days: 0,
  max_age_seconds: null,
  max_idle_seconds: 900,
  allowed_providers: null,
  break_glass: null,
};

export const otherIssuer = "https://other.example";

/** Two providers that can prove a second factor. The other one can also ask its user for a new proof. */
export const twoProviders: Partial<FullOptions> = {
  federation: {
    providers: [practiceProvider(), practiceProvider("other", [otherIssuer], true)],
    domains: {},
    trustsMfa: [
      { issuer: practiceIssuer, amr: ["mfa"] },
      { issuer: otherIssuer, amr: ["mfa"] },
    ],
  },
};

/** Tools for policies, for the organizations of a world. */
export function policiesIn(world: World) {
  /** The application sets a policy. */
  const demand = async (organizationId: OrganizationId, settings: Partial<SecuritySettings>): Promise<SecurityPolicy> =>
    await world.auth.organizations.setSecurityPolicy({ ...asksNothing, ...settings, actor: system, organizationId });

  /**
   * What the checks answer to a member's session: the code, or `done`. All of them agree: the check of a token, which is one request,
   * the check of an actor, and each act that needs the role.
   */
  async function enter(member: Pick<Person, "actor" | "token" | "transport">, organization: OrganizationId) {
    const { auth } = world;
    const { actor, token, transport } = member;
    world.counting.reset(1);
    const verified = await outcome(auth.memberships.verify({ token, transport, organization }));
    world.counting.reset(1);
    expect(await outcome(auth.memberships.find({ actor, organization }))).toBe(verified);
    world.counting.reset(1);
    expect(await outcome(auth.organizations.get({ actor, organizationId: organization }))).toBe(verified);
    world.counting.reset();
    return verified;
  }

  return { demand, enter };
}
