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
import { givenPasskey } from "../../support/factors.ts";
import { type Reply, type Sent, send } from "../../support/http.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { applicationOf } from "../../support/http-world.ts";

/** For each refusal that a route names, a request that gets it. */
export type Provocations = Partial<Record<ErrorCode, () => Promise<Reply>>>;

export type RefusalTools = ReturnType<typeof refusalTools>;

/** What provokes refusals of more than one kind of route. */
export function refusalTools(world: HttpWorld) {
  const post = (path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
    world.send({ method: "POST", path, json, ...more });
  const get = (path: string, more: Partial<Sent> = {}): Promise<Reply> => world.send({ method: "GET", path, ...more });
  const put = (path: string, json: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
    world.send({ method: "PUT", path, json, ...more });

  const as = ({ token }: Person): Partial<Sent> => ({ token });

  const adding = (usr_id: string, more: object = {}) => ({
    usr_id,
    type: "password",
    identifier: freshIdentifier(),
    password: otherPassword,
    current_password: goodPassword,
    ...more,
  });

  const proving = { current_password: goodPassword };

  const rotating = { password: otherPassword, ...proving };

  /** The refusals of ending one's own password. */
  const endRefusals = (verb: "suspend" | "revoke"): Provocations => ({
    // Who gives a proof for somebody else.
    forbidden: async () => {
      const { credentialId } = await world.person();
      return await post(`/v1/credentials/${credentialId}/${verb}`, proving, as(await world.administrator()));
    },
    "unauthorized.invalid_credential": async () => {
      const ada = await world.person();
      await post("/v1/credentials", adding(ada.userId), as(ada));
      return await post(`/v1/credentials/${ada.credentialId}/${verb}`, undefined, as(ada));
    },
    "conflict.credential_not_active": async () => {
      const ada = await world.person();
      const extra = await post("/v1/credentials", adding(ada.userId), as(ada));
      await world.auth.credentials.suspend({ actor: system, credentialId: extra.json.id });
      return await post(`/v1/credentials/${extra.json.id}/${verb}`, proving, as(ada));
    },
    "conflict.credential_type_mismatch": async () => {
      const { ada, passkeyId } = await withPasskey();
      return await post(`/v1/credentials/${passkeyId}/${verb}`, proving, as(ada));
    },
    "unavailable.busy": async () => {
      const { credentialId, token } = await world.person();
      return await busily({ method: "POST", path: `/v1/credentials/${credentialId}/${verb}`, json: proving, token });
    },
    too_many_requests: async () => {
      const ada = await world.person({ password: otherPassword });
      return await often(`/v1/credentials/${ada.credentialId}/${verb}`, () => proving, as(ada));
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

  /** Sends the same request until it is refused for being too many. */
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
  const tokenRefusals = (pathOf: (ada: Person) => string): Partial<Record<ErrorCode, () => Promise<Reply>>> => {
    const making = async (more: object) => {
      const ada = await world.person();
      return await post(pathOf(ada), { name: "ci", scope: [], ...more }, as(ada));
    };
    return {
      "invalid_format.name": () => making({ name: "" }),
      "invalid_format.scope": () => making({ scope: ["a b"] }),
      "pat.expires_in_past": () => making({ expires_at: "2020-01-01T00:00:00Z" }),
      "unavailable.busy": async () => {
        const ada = await world.person();
        return await busily({ method: "POST", path: pathOf(ada), json: { name: "ci", scope: [] }, token: ada.token });
      },
    };
  };

  /** Somebody with a passkey of which nobody has the key. */
  const withPasskey = async () => {
    const ada = await world.person();
    await world.levelTwo(ada.session);
    return { ada, passkeyId: await givenPasskey(world, ada.userId) };
  };

  const endPasskey = (passkeyId: string, ada: Person) => post(`/auth/passkeys/${passkeyId}/revoke`, undefined, as(ada));

  /** Somebody whose only second factor is a passkey, and must have one. */
  const withNeededPasskey = async () => {
    const made = await withPasskey();
    await world.requireFactor(made.ada.userId);
    return made;
  };

  /** What happens to somebody who alone administers; the others are removed by SQL, as nobody can remove the last. */
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
    proving,
    rotating,
    endRefusals,
    signUp,
    proofOf,
    busily,
    often,
    tokenOf,
    tokenRefusals,
    withPasskey,
    endPasskey,
    withNeededPasskey,
    alone,
  };
}
