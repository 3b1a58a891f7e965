import { expect } from "vitest";
import { HashQueueFullError } from "../../../src/crypto/hash-queue.ts";
import type { ErrorCode } from "../../../src/domain/error.ts";
import { uuidFor } from "../../../src/domain/id.ts";
import { sql } from "../../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  type Person,
  quickHasher,
  system,
} from "../../support/auth.ts";
import { newAuthenticator } from "../../support/authenticator.ts";
import { givenPasskey, registrationBy } from "../../support/factors.ts";
import { type Reply, type Sent, send } from "../../support/http.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { applicationOf } from "../../support/http-world.ts";
import { organizationsIn } from "../../support/organizations.ts";

/** For each refusal that a route names, a request that provokes it. */
export type Provocations = Partial<Record<ErrorCode, () => Promise<Reply>>>;

export type RefusalTools = ReturnType<typeof refusalTools>;

/** Requests that provoke refusals of more than one kind of route. */
export function refusalTools(world: HttpWorld) {
  const post = (path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
    world.send({ method: "POST", path, json, ...more });
  const get = (path: string, more: Partial<Sent> = {}): Promise<Reply> => world.send({ method: "GET", path, ...more });
  const put = (path: string, json: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
    world.send({ method: "PUT", path, json, ...more });

  const as = ({ token }: Person): Partial<Sent> => ({ token });

  const addingOwn = (more: object = {}) => ({
    identifier: freshIdentifier(),
    password: otherPassword,
    current_password: goodPassword,
    ...more,
  });

  const adding = (usr_id: string, more: object = {}) => ({ usr_id, type: "password", ...addingOwn(more) });

  const proving = { current_password: goodPassword };

  const rotating = { password: otherPassword, ...proving };

  /** The refusals of adding a password to one's own account, at either of its routes. */
  const addRefusals = (path: string, bodyOf: (ada: Person, more?: object) => unknown): Provocations => {
    const adds = async (more: object) => {
      const ada = await world.person();
      return await post(path, bodyOf(ada, more), as(ada));
    };
    const taken = async () => ({ identifier: (await world.person()).identifier });
    return {
      "invalid_format.identifier": () => adds({ identifier: "ä" }),
      "invalid_format.password": () => adds({ password: "twelve chars" }),
      "conflict.duplicate_credential": async () => await adds(await taken()),
      too_many_requests: async () => {
        const [ada, more] = [await world.person(), await taken()];
        return await often(path, () => bodyOf(ada, more), as(ada));
      },
      "unauthorized.invalid_credential": () => adds({ current_password: undefined }),
      "unavailable.busy": async () => {
        const ada = await world.person();
        return await busily({ method: "POST", path, json: bodyOf(ada), token: ada.token });
      },
    };
  };

  /** The refusals of ending one's own credential, at either of its routes. */
  const endRefusals = (pathOf: (credentialId: string) => string): Provocations => ({
    // A user who gives a proof for another user.
    forbidden: async () => {
      const { credentialId } = await world.person();
      return await post(pathOf(credentialId), proving, as(await world.administrator()));
    },
    "unauthorized.invalid_credential": async () => {
      const ada = await world.person();
      await post("/v1/credentials", adding(ada.userId), as(ada));
      return await post(pathOf(ada.credentialId), undefined, as(ada));
    },
    "conflict.credential_not_active": async () => {
      const ada = await world.person();
      const extra = await post("/v1/credentials", adding(ada.userId), as(ada));
      await world.auth.credentials.suspend({ actor: system, credentialId: extra.json.id });
      return await post(pathOf(extra.json.id), proving, as(ada));
    },
    "conflict.credential_type_mismatch": async () => {
      const { ada, passkeyId } = await withPasskey();
      return await post(pathOf(passkeyId), proving, as(ada));
    },
    "unavailable.busy": async () => {
      const { credentialId, token } = await world.person();
      return await busily({ method: "POST", path: pathOf(credentialId), json: proving, token });
    },
    too_many_requests: async () => {
      const ada = await world.person({ password: otherPassword });
      return await often(pathOf(ada.credentialId), () => proving, as(ada));
    },
    "conflict.already_terminal": async () => {
      const { ada, passkeyId } = await withPasskey();
      await endPasskey(passkeyId, ada);
      return await post(pathOf(passkeyId), undefined, as(ada));
    },
    "conflict.last_way_in": async () => {
      const ada = await world.person();
      return await post(pathOf(ada.credentialId), undefined, as(ada));
    },
    "conflict.last_factor": async () => {
      const { ada, passkeyId } = await withNeededPasskey();
      return await post(pathOf(passkeyId), undefined, as(ada));
    },
  });

  /** The refusals of closing one's own account, at either of its routes. */
  const closeRefusals = (pathOf: (ada: Pick<Person, "userId">) => string): Provocations => ({
    "conflict.last_administrator": () => alone((last) => post(pathOf(last), undefined, as(last))),
    "conflict.sole_owner": async () => {
      const owner = await organizationsIn(world).form();
      return await post(pathOf(owner), proving, as(owner));
    },
    // Otherwise the identifier that an administrator suspended would be free again.
    forbidden: async () => {
      const [ada, device] = [await world.person(), await newAuthenticator()];
      await post("/auth/passkeys", { response: await registrationBy(world, ada, device) }, as(ada));
      const response = await device.get(await world.auth.signIn.passkeyOptions());
      const { json } = await post("/auth/sign-in/passkey", { response, transport: "token" });
      await world.auth.credentials.suspend({ actor: system, credentialId: ada.credentialId });
      return await post(pathOf(ada), undefined, { token: json.token });
    },
    "unauthorized.invalid_credential": async () => {
      const ada = await world.person();
      return await post(pathOf(ada), undefined, as(ada));
    },
    too_many_requests: async () => {
      const ada = await world.person({ password: otherPassword });
      return await often(pathOf(ada), () => proving, as(ada));
    },
    "unavailable.busy": async () => {
      const ada = await world.person();
      return await busily({ method: "POST", path: pathOf(ada), json: proving, token: ada.token });
    },
  });

  const signUp = (more: object = {}) => ({
    identifier: freshIdentifier(),
    password: goodPassword,
    transport: "token",
    ...more,
  });

  const proofOf = (identifier: string, password = goodPassword) => ({
    type: "password",
    identifier,
    proof: { password },
  });

  /** Sends a request to routes whose hash queue is full. */
  const busily = async (sent: Sent): Promise<Reply> => {
    const full = async (): Promise<never> => {
      throw new HashQueueFullError();
    };
    const auth = world.isolate({ passwordHasher: { ...quickHasher(), hash: full, verify: full } });
    return await send(applicationOf(auth), sent);
  };

  /** Sends the same request until it is refused with 429. */
  const often = async (
    path: string,
    json: () => unknown,
    more: Partial<Sent> | (() => Promise<Partial<Sent>>) = {},
  ): Promise<Reply> => {
    const address = { "x-test-address": freshAddress() };
    for (let tries = 0; tries < 110; tries++) {
      const sent = typeof more === "function" ? await more() : more;
      const reply = await post(path, json(), { ...sent, headers: { ...address, ...sent.headers } });
      if (reply.status === 429) return reply;
    }
    throw new Error("It was never too much.");
  };

  const tokenOf = async ({ userId }: Person) =>
    (await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] })).pat;

  /** The refusals of creating a token, at either of its routes. */
  /** The refusals of a route that takes a key: a malformed one, and the second use of one. */
  const keyRefusals = (make: () => Promise<(more: Partial<Sent>) => Promise<Reply>>): Provocations => {
    const headers = (key: string) => ({ headers: { "idempotency-key": key } });
    return {
      "invalid_format.idempotency_key": async () => await (await make())(headers("two words")),
      "conflict.idempotency_key_used": async () => {
        const send = await make();
        expect((await send(headers("a-key"))).status).toBe(201);
        return await send(headers("a-key"));
      },
    };
  };

  const tokenRefusals = (pathOf: (ada: Person) => string): Partial<Record<ErrorCode, () => Promise<Reply>>> => {
    const making = async (more: object) => {
      const ada = await world.person();
      return await post(pathOf(ada), { name: "ci", scope: [], ...more }, as(ada));
    };
    return {
      "invalid_format.name": () => making({ name: "" }),
      "invalid_format.scope": () => making({ scope: ["a b"] }),
      ...keyRefusals(async () => {
        const ada = await world.person();
        return (more) => post(pathOf(ada), { name: "ci", scope: [] }, { ...as(ada), ...more });
      }),
      "pat.expires_in_past": () => making({ expires_at: "2020-01-01T00:00:00Z" }),
      "precondition.limit_reached": async () => {
        const ada = await world.person();
        await world.rows(sql`
          insert into pat (id, usr_id, name, scope, secret_hash)
          select gen_random_uuid(), ${uuidFor("usr", ada.userId)}::uuid, 'ci', '{}', 'x' from generate_series(1, 50)`);
        return await post(pathOf(ada), { name: "ci", scope: [] }, as(ada));
      },
      too_many_requests: async () => {
        const ada = await world.person();
        return await often(pathOf(ada), () => ({ name: "ci", scope: [] }), as(ada));
      },
      "unavailable.busy": async () => {
        const ada = await world.person();
        return await busily({ method: "POST", path: pathOf(ada), json: { name: "ci", scope: [] }, token: ada.token });
      },
    };
  };

  /** A user with a passkey whose key does not exist. */
  const withPasskey = async () => {
    const ada = await world.person();
    await world.levelTwo(ada.session);
    return { ada, passkeyId: await givenPasskey(world, ada.userId) };
  };

  const endPasskey = (passkeyId: string, ada: Person) => post(`/auth/passkeys/${passkeyId}/revoke`, undefined, as(ada));

  /** A user who must have a second factor, and whose only factor is a passkey. */
  const withNeededPasskey = async () => {
    const made = await withPasskey();
    await world.requireFactor(made.ada.userId);
    return made;
  };

  /** Acts for the only administrator. The others are removed by SQL, because no operation can remove the last one. */
  async function alone(act: (last: Person) => Promise<Reply>): Promise<Reply> {
    const last = await world.administrator();
    await world.rows(sql`delete from tup where subject_id <> ${uuidFor("usr", last.userId)}::uuid`);
    return await act(last);
  }

  return {
    post,
    get,
    put,
    as,
    adding,
    addingOwn,
    proving,
    rotating,
    addRefusals,
    endRefusals,
    closeRefusals,
    signUp,
    proofOf,
    busily,
    often,
    tokenOf,
    keyRefusals,
    tokenRefusals,
    withPasskey,
    endPasskey,
    withNeededPasskey,
    alone,
  };
}
