import { type Person, system } from "../../support/auth.ts";
import { type Reply, send } from "../../support/http.ts";
import { applicationOf, type HttpWorld } from "../../support/http-world.ts";
import {
  browserHeaders,
  freshIdentity,
  givenIdentity,
  practiceDomains,
  practiceProvider,
  signInWith,
  waitingIdentity,
} from "../../support/practice-provider.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function providerRefusals(world: HttpWorld, { post, as, often }: RefusalTools): Record<string, Provocations> {
  /** An application whose provider does not answer. */
  const silent = () => {
    const begin = async () => {
      throw Object.assign(new Error("down"), { error: "issuer_unreachable" });
    };
    const providers = [{ ...practiceProvider(), begin }];
    return applicationOf(world.isolate({ federation: { providers, domains: practiceDomains } }));
  };
  const sameOrigin = { "sec-fetch-site": "same-origin" };
  const link = async (ada: Person, identity: string | undefined) => {
    const cookie = identity === undefined ? {} : { cookie: `__Host-identity=${identity}` };
    return await post("/auth/identities", undefined, { ...as(ada), headers: { ...sameOrigin, ...cookie } });
  };
  const startInSession = (place: string) => ({
    not_found: async () => post(`/auth/oidc/nowhere/${place}`, undefined, as(await world.person())),
    "unavailable.provider": async () =>
      send(silent(), { method: "POST", path: `/auth/oidc/practice/${place}`, token: (await world.person()).token }),
  });
  const followInSession = (place: string) => ({
    not_found: async () =>
      world.send({
        method: "GET",
        path: `/auth/oidc/nowhere/${place}`,
        headers: sameOrigin,
        ...as(await world.person()),
      }),
    "unavailable.provider": async () =>
      send(silent(), {
        method: "GET",
        path: `/auth/oidc/practice/${place}`,
        headers: sameOrigin,
        token: (await world.person()).token,
      }),
    "forbidden.cross_origin": async () =>
      world.send({ method: "GET", path: `/auth/oidc/practice/${place}`, ...as(await world.person()) }),
  });
  const form = (path: string, fields: Record<string, string>, app = world.app) =>
    send(app, {
      method: "POST",
      path,
      body: `${new URLSearchParams(fields)}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
  const notices = (tell: (place: string, token: string) => Promise<Reply>): Provocations => ({
    not_found: () => tell("nowhere", "x"),
    "invalid_format.notice": () => tell("practice", "x"),
    "unavailable.provider": () => tell("practice", "down"),
  });
  return {
    startProviderSignIn: {
      not_found: () => post("/auth/oidc/nowhere/start"),
      "unavailable.provider": () => send(silent(), { method: "POST", path: "/auth/oidc/practice/start" }),
    },
    followProviderSignIn: {
      not_found: () => world.send({ method: "GET", path: "/auth/oidc/nowhere/start", headers: sameOrigin }),
      "unavailable.provider": () =>
        send(silent(), { method: "GET", path: "/auth/oidc/practice/start", headers: sameOrigin }),
      "forbidden.cross_origin": () =>
        world.send({ method: "GET", path: "/auth/oidc/practice/start", headers: { "sec-fetch-site": "cross-site" } }),
    },
    discoverProvider: {
      not_found: () => form("/auth/oidc/discover", { identifier: "ada@elsewhere.example" }),
      "unavailable.provider": () => form("/auth/oidc/discover", { identifier: "ada@practice.example" }, silent()),
      too_many_requests: () => often("/auth/oidc/discover", () => ({ identifier: "ada@elsewhere.example" })),
      "invalid_format.json": () =>
        send(world.app, {
          method: "POST",
          path: "/auth/oidc/discover",
          body: "{",
          headers: { "content-type": "application/json" },
        }),
    },
    startProviderLink: startInSession("link"),
    followProviderLink: followInSession("link"),
    startProviderStepUp: startInSession("step-up"),
    followProviderStepUp: followInSession("step-up"),
    receiveProviderAnswer: {
      not_found: () => form("/auth/oidc/nowhere/callback", {}),
      "forbidden.cross_origin": () => form("/auth/oidc/practice/callback", { credential: "x" }),
    },
    prepareProviderCredential: {
      not_found: () => post("/auth/oidc/nowhere/nonce"),
      "unavailable.provider": () => send(silent(), { method: "POST", path: "/auth/oidc/practice/nonce" }),
    },
    endProviderSessions: notices((place, token) => form(`/auth/oidc/${place}/logout`, { logout_token: token })),
    receiveProviderNotice: notices((place, token) => post(`/auth/oidc/${place}/notices`, { payload: token })),
    signInWithProvider: {
      not_found: () => world.send({ method: "GET", path: "/auth/oidc/nowhere/callback" }),
    },
    linkProvedIdentity: {
      not_found: async () => {
        const headers = { ...sameOrigin, cookie: `__Host-identity=${await waitingIdentity(world)}` };
        const app = applicationOf(world.isolate({ federation: { providers: [practiceProvider("another")] } }));
        const { token } = await world.person();
        return await send(app, { method: "POST", path: "/auth/identities", token, headers });
      },
      "unauthorized.provider": async () => link(await world.person(), undefined),
      "conflict.identity_in_use": async () => {
        const ada = await world.person();
        const identity = await waitingIdentity(world, ada.identifier);
        await link(ada, identity);
        return await link(ada, identity);
      },
      "precondition.limit_reached": async () => {
        const ada = await world.person();
        for (let n = 0; n < 20; n++) await givenIdentity(world, ada.userId);
        const headers = await browserHeaders(world, "linkProvedIdentity", ada.identifier);
        return await post("/auth/identities", undefined, { ...as(ada), headers });
      },
    },
    unlinkIdentity: {
      forbidden: async () => {
        const ada = await world.person();
        const credentialId = await givenIdentity(world, ada.userId, "suspended");
        return await post(`/auth/identities/${credentialId}/unlink`, undefined, as(ada));
      },
      "conflict.already_terminal": async () => {
        const ada = await world.person();
        const credentialId = await givenIdentity(world, ada.userId);
        await world.auth.credentials.revoke({ actor: system, credentialId });
        return await post(`/auth/identities/${credentialId}/unlink`, undefined, as(ada));
      },
      "conflict.last_way_in": async () => {
        const made = await signInWith(world.isolate({ signUp: "open" }), freshIdentity());
        if ("linkingRequired" in made || made.mfaRequired) throw new Error("No session was made.");
        const path = `/auth/identities/${made.session.credentialId}/unlink`;
        return await world.send({ method: "POST", path, cookie: made.token });
      },
    },
  };
}
