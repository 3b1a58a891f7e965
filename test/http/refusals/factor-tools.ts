import { generateId } from "../../../src/domain/id.ts";
import { sql } from "../../../src/store/sql.ts";
import { freshAddress, type Person } from "../../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../../support/authenticator.ts";
import { addApp, confirmationAt, givenApp, proofAt, registrationBy } from "../../support/factors.ts";
import { type Reply, type Sent, send } from "../../support/http.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { applicationOf } from "../../support/http-world.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

type CreationOptions = Parameters<Authenticator["create"]>[0];

/** Flags of authenticator data (WebAuthn L3 §6.1): the user is present but not verified; a credential is attached. */
export const withoutVerification = 0x01;
const attested = 0x40;
/** The flag is judged before the challenge. */
export const anyRequest = { challenge: "AAAA", rpId: "example.com" } as Parameters<Authenticator["get"]>[0];

export type FactorTools = ReturnType<typeof factorTools>;

/** Requests that provoke refusals of the routes of second factors. */
export function factorTools(world: HttpWorld, { post, put, as, busily, often, keyRefusals }: RefusalTools) {
  /** An administrator permits an enrollment. */
  const grant = async (userId: string): Promise<Reply> =>
    await post(`/v1/users/${userId}/mfa-policy/grant-enrollment`, undefined, as(await world.administrator()));

  const wrongCode = { type: "totp", code: "000000" };

  /** The header that a user gets for a password alone. */
  const ticketOf = async ({ identifier, password }: Person): Promise<Partial<Sent>> => {
    const headers = { "x-test-address": freshAddress() };
    const reply = await post("/auth/sign-in", { identifier, password, transport: "token" }, { headers });
    return { headers: { "login-ticket": reply.json.details.ticket } };
  };

  /** A user who must enroll a factor before they can sign in, and a ticket that serves for it. */
  const enrolling = async () => {
    const ada = await world.person();
    await world.requireFactor(ada.userId);
    return { ada, ticket: await ticketOf(ada) };
  };

  /** Sends to routes that lack what security keys need. */
  const keyless = async (sent: Sent): Promise<Reply> => {
    const { passkeys: _passkeys, webauthn: _webauthn, securityKeys: _securityKeys, ...auth } = world.isolate();
    return await send(applicationOf(auth as typeof world.auth), sent);
  };

  /** The refusals of proving a second factor with a ticket, at either of its routes. */
  const proofRefusals = (pathOf: (ada: Person) => string): Provocations => ({
    "unauthorized.invalid_ticket": async () =>
      await post(pathOf(await world.person()), wrongCode, { headers: { "login-ticket": "A".repeat(43) } }),
    "unauthorized.invalid_factor": async () => {
      const { person } = await addApp(world, await world.person());
      return await post(pathOf(person), wrongCode, await ticketOf(person));
    },
    "unauthorized.user_not_verified": async () => {
      const { person } = await addApp(world, await world.person());
      const answer = await (await newAuthenticator()).get(anyRequest, { flags: withoutVerification, userHandle: null });
      return await post(pathOf(person), proofAt(pathOf(person), answer), await ticketOf(person));
    },
    "unauthorized.replayed_totp": async () => {
      const { app, person } = await addApp(world, await world.person());
      const proof = { type: "totp", code: await app.code() };
      await post("/auth/sign-in/factor", proof, await ticketOf(person));
      return await post(pathOf(person), proof, await ticketOf(person));
    },
    too_many_requests: async () => {
      const { person } = await addApp(world, await world.person());
      return await often(
        pathOf(person),
        () => wrongCode,
        () => ticketOf(person),
      );
    },
    "unavailable.busy": async () => {
      const { person } = await addApp(world, await world.person());
      const { codes } = await world.auth.factors.replaceRecoveryCodes({ actor: person.actor });
      const json = { type: "recovery", code: codes[0] };
      return await busily({ method: "POST", path: pathOf(person), json, ...(await ticketOf(person)) });
    },
  });

  /** The refusals of starting an enrollment. */
  const enrollRefusals = (
    make: () => Promise<{ ada: Person; sent: Partial<Sent> }>,
    pathOf: (ada: Person) => string,
  ) => {
    const begin = async (json: object, through: (sent: Sent) => Promise<Reply> = (sent) => world.send(sent)) => {
      const { ada, sent } = await make();
      return await through({ method: "POST", path: pathOf(ada), json, ...sent });
    };
    return {
      "invalid_format.name": () => begin({ type: "totp", identifier: "" }),
      "invalid_format.rp_id": () => begin({ type: "webauthn", rp_id: "evil.example" }),
      forbidden: () => begin({ type: "webauthn" }, keyless),
      "precondition.factor_needed_first": () => begin({ type: "recovery" }),
      ...keyRefusals(async () => {
        const { ada, sent } = await make();
        const json = { type: "totp", identifier: "phone" };
        return ({ headers }) => post(pathOf(ada), json, { ...sent, headers: { ...sent.headers, ...headers } });
      }),
    } satisfies Provocations;
  };

  const ownEnrollRefusals = (pathOf: (ada: Person) => string): Provocations => ({
    ...enrollRefusals(async () => {
      const ada = await world.person();
      return { ada, sent: as(ada) };
    }, pathOf),
    "unavailable.busy": async () => {
      const { person } = await addApp(world, await world.person());
      return await busily({ method: "POST", path: pathOf(person), json: { type: "recovery" }, token: person.token });
    },
    too_many_requests: async () => {
      const { person } = await addApp(world, await world.person());
      return await often(pathOf(person), () => ({ type: "recovery" }), as(person));
    },
  });

  /** The refusals of confirming it. `begin` makes the pending factor, if there may be one. */
  const confirmRefusals = (
    make: () => Promise<{ ada: Person; sent: () => Promise<Partial<Sent>> }>,
    pathOf: (factorId: string) => string,
    enrollAt: (ada: Person) => string,
  ) => {
    const app = async () => {
      const { ada, sent } = await make();
      return { path: pathOf((await givenApp(world, ada.userId, "pending")).factorId), sent };
    };
    const key = async (register: (options: CreationOptions) => Promise<unknown>) => {
      const { ada, sent } = await make();
      const shown = await sent();
      const enrolled = await post(enrollAt(ada), { type: "webauthn" }, shown);
      const { challenge, challenge_b64u } = enrolled.json.webauthn_enrollment;
      const path = pathOf(enrolled.json.factor.id);
      return await post(path, confirmationAt(path, await register(optionsOf(challenge ?? challenge_b64u))), shown);
    };
    const optionsOf = (challenge: string) => ({ challenge, rp: { id: "example.com" }, user: { id: "AAAA" } }) as never;
    return {
      forbidden: async () => {
        const { path, sent } = await app();
        const json = confirmationAt(path, await (await newAuthenticator()).create(optionsOf("AAAA")));
        return await keyless({ method: "POST", path, json, ...(await sent()) });
      },
      "invalid_format.webauthn": () => key(async () => (await newAuthenticator()).create(optionsOf("AAAA"))),
      "invalid_format.user_not_verified": () =>
        key(async (options) => (await newAuthenticator()).create(options, { flags: withoutVerification | attested })),
      "conflict.duplicate_credential": async () => {
        const [other, device] = [await world.person(), await newAuthenticator()];
        const response = await registrationBy(world, other, device);
        await world.auth.passkeys.register({ actor: other.actor, response, transport: "token" });
        return await key((options) => device.create(options));
      },
      "precondition.factor_not_pending": async () => {
        const { path, sent } = await app();
        await world.rows(sql`update mfa set pending_expires_at = sallyport_now() where status = 'pending'`);
        return await post(path, wrongCode, await sent());
      },
      "precondition.factor_code_invalid": async () => {
        const { path, sent } = await app();
        return await post(path, wrongCode, await sent());
      },
      too_many_requests: async () => {
        const { path, sent } = await app();
        return await often(path, () => wrongCode, sent);
      },
    } satisfies Provocations;
  };

  const ownConfirmRefusals = (
    pathOf: (factorId: string) => string,
    enrollAt: (ada: Person) => string,
  ): Provocations => ({
    not_found: async () => await post(pathOf(generateId("mfa")), wrongCode, as(await world.person())),
    ...confirmRefusals(
      async () => {
        const ada = await world.person();
        return { ada, sent: async () => as(ada) };
      },
      pathOf,
      enrollAt,
    ),
  });

  /** The refusals of ending a factor, for every owner. */
  const revokeRefusals = (pathOf: (factorId: string) => string): Provocations => ({
    "conflict.already_terminal": async () => {
      const ada = await world.person();
      const { factorId } = await givenApp(world, ada.userId, "pending");
      await post(pathOf(factorId), undefined, as(ada));
      return await post(pathOf(factorId), undefined, as(ada));
    },
    "conflict.last_factor": async () => {
      const { app, person } = await addApp(world, await world.person());
      await world.requireFactor(person.userId);
      return await post(pathOf(app.factorId), undefined, as(person));
    },
  });

  /** The refusals of setting one's own policy, at either of its routes. */
  const policyRefusals = (pathOf: (ada: Person) => string): Provocations => ({
    "precondition.factor_needed_first": async () => {
      const ada = await world.person();
      return await put(pathOf(ada), { required: true }, as(ada));
    },
    forbidden: async () => {
      const { person } = await addApp(world, await world.person());
      await world.requireFactor(person.userId);
      return await put(pathOf(person), { required: false }, as(person));
    },
  });

  return {
    grant,
    wrongCode,
    ticketOf,
    enrolling,
    keyless,
    proofRefusals,
    enrollRefusals,
    ownEnrollRefusals,
    confirmRefusals,
    ownConfirmRefusals,
    revokeRefusals,
    policyRefusals,
  };
}
