import { system } from "../../support/auth.ts";
import { send } from "../../support/http.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { applicationOf } from "../../support/http-world.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function userRefusals(
  world: HttpWorld,
  { post, get, put, as, closeRefusals, signUp, busily, often, alone }: RefusalTools,
): Record<string, Provocations> {
  return {
    createUser: {
      "invalid_format.name": async () => {
        const { token } = await world.administrator();
        return await post("/v1/users", { display_name: "x".repeat(5_000) }, { token });
      },
      "invalid_format.idempotency_key": async () => {
        const { token } = await world.administrator();
        return await post("/v1/users", {}, { token, headers: { "idempotency-key": "two words" } });
      },
    },
    updateUser: {
      "invalid_format.name": async () => {
        const ada = await world.person();
        return await put(`/v1/users/${ada.userId}`, { display_name: "x".repeat(5_000) }, as(ada));
      },
    },
    updateOwnUser: {
      "invalid_format.name": async () =>
        await put("/auth/user", { display_name: "x".repeat(201) }, as(await world.person())),
    },
    signUp: {
      "invalid_format.name": () => post("/auth/sign-up", signUp({ display_name: "x".repeat(201) })),
      "forbidden.sign_up_closed": async () =>
        await send(applicationOf(world.isolate({ signUp: "closed" })), {
          method: "POST",
          path: "/auth/sign-up",
          json: signUp(),
        }),
      "invalid_format.identifier": () => post("/auth/sign-up", signUp({ identifier: "two words" })),
      "invalid_format.password": () => post("/auth/sign-up", signUp({ password: "short" })),
      "conflict.duplicate_credential": async () => {
        const { identifier } = await world.person();
        return await post("/auth/sign-up", signUp({ identifier }));
      },
      too_many_requests: () => often("/auth/sign-up", signUp),
      "unavailable.busy": () => busily({ method: "POST", path: "/auth/sign-up", json: signUp() }),
    },
    signIn: {
      "unauthorized.invalid_credential": () => post("/auth/sign-in", signUp()),
      "unauthorized.mfa_required": async () => {
        const { identifier, userId } = await world.person();
        await world.enroll(userId);
        return await post("/auth/sign-in", signUp({ identifier }));
      },
      "unauthorized.enrollment_required": async () => {
        const { identifier, userId } = await world.person();
        await world.requireFactor(userId);
        return await post("/auth/sign-in", signUp({ identifier }));
      },
      "forbidden.enrollment_not_granted": async () => {
        const { identifier, userId } = await world.person();
        await world.requireFactor(userId, new Date(0));
        return await post("/auth/sign-in", signUp({ identifier }));
      },
      too_many_requests: () => {
        const body = signUp();
        return often("/auth/sign-in", () => body);
      },
      "unavailable.busy": () => busily({ method: "POST", path: "/auth/sign-in", json: signUp() }),
    },
    refresh: {
      "unauthorized.session_expired": async () => {
        const ada = await world.person();
        await world.auth.sessions.revoke({ actor: ada.actor, sessionId: ada.session.id });
        return await post("/auth/refresh", undefined, as(ada));
      },
      "unauthorized.mfa_required": async () => {
        const ada = await world.person();
        await world.enroll(ada.userId);
        return await post("/auth/refresh", undefined, as(ada));
      },
    },
    acceptOwnTerms: {
      "conflict.terms_changed": async () =>
        await post("/auth/terms", { version: "2001-01-01" }, as(await world.person())),
    },
    listOwnActivity: {
      "invalid_format.cursor": async () => await get("/auth/activity?cursor=1", as(await world.person())),
    },
    listOwnSessions: {
      "invalid_format.cursor": async () => await get("/auth/sessions?cursor=1", as(await world.person())),
    },
    listLimits: {
      "invalid_format.identifier": async () => await get("/v1/limits?address=none", as(await world.administrator())),
    },
    liftLimit: {
      "invalid_format.identifier": async () =>
        await post("/v1/limits/lift", { address: "none" }, as(await world.administrator())),
    },
    listUsers: {
      "invalid_format.cursor": async () => await get("/v1/users?cursor=usr_1", as(await world.administrator())),
    },
    suspendUser: {
      "conflict.already_terminal": async () => {
        const { userId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        return await post(`/v1/users/${userId}/suspend`, undefined, as(await world.administrator()));
      },
      "conflict.last_administrator": () =>
        alone((last) => post(`/v1/users/${last.userId}/suspend`, undefined, as(last))),
    },
    reinstateUser: {
      "precondition.invalid_transition": async () => {
        const { userId } = await world.person();
        return await post(`/v1/users/${userId}/reinstate`, undefined, as(await world.administrator()));
      },
    },
    revokeUser: {
      "conflict.already_terminal": async () => {
        const { userId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        return await post(`/v1/users/${userId}/revoke`, undefined, as(await world.administrator()));
      },
      ...closeRefusals(({ userId }) => `/v1/users/${userId}/revoke`),
    },
    closeAccount: closeRefusals(() => "/auth/user/revoke"),
    listUserSessions: {
      "invalid_format.cursor": async () => {
        const ada = await world.person();
        return await get(`/v1/users/${ada.userId}/sessions?cursor=${ada.userId}`, as(ada));
      },
    },
    createSession: {
      "unauthorized.invalid_ticket": async () => {
        const { userId: usr_id, credentialId: cred_id } = await world.person();
        return await post("/v1/sessions", { usr_id, cred_id, ttl_seconds: 60 });
      },
      "precondition.ttl_too_short": async () => {
        const { userId: usr_id, credentialId: cred_id } = await world.person();
        return await post("/v1/sessions", { usr_id, cred_id, ttl_seconds: 59 });
      },
    },
    refreshSession: {
      not_found: async () => {
        const [ada, other] = [await world.person(), await world.person()];
        return await post(`/v1/sessions/${other.session.id}/refresh`, undefined, as(ada));
      },
      "unauthorized.session_expired": async () => {
        const ada = await world.person();
        await world.auth.users.suspend({ actor: system, userId: ada.userId });
        return await post(`/v1/sessions/${ada.session.id}/refresh`, undefined, as(ada));
      },
      "unauthorized.mfa_required": async () => {
        const ada = await world.person();
        await world.requireFactor(ada.userId);
        return await post(`/v1/sessions/${ada.session.id}/refresh`, undefined, as(ada));
      },
    },
  };
}
