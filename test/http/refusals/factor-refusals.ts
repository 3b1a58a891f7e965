import { generateId } from "../../../src/domain/id.ts";
import { goodPassword, otherPassword, system } from "../../support/auth.ts";
import { newAuthenticator } from "../../support/authenticator.ts";
import { addApp, givenApp } from "../../support/factors.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { anyRequest, type FactorTools, withoutVerification } from "./factor-tools.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function factorRefusals(
  world: HttpWorld,
  { post, put, as, busily, often }: RefusalTools,
  {
    grant,
    wrongCode,
    ticketOf,
    enrolling,
    proofRefusals,
    enrollRefusals,
    ownEnrollRefusals,
    confirmRefusals,
    ownConfirmRefusals,
    revokeRefusals,
    policyRefusals,
  }: FactorTools,
): Record<string, Provocations> {
  return {
    signInWithFactor: proofRefusals(() => "/auth/sign-in/factor"),
    verifyMfa: proofRefusals(({ userId }) => `/v1/users/${userId}/mfa/verify`),
    enrollFactorAtSignIn: {
      "unauthorized.invalid_ticket": () => post("/auth/sign-in/enroll", { type: "totp", identifier: "phone" }),
      ...enrollRefusals(
        async () => {
          const { ada, ticket } = await enrolling();
          return { ada, sent: ticket };
        },
        () => "/auth/sign-in/enroll",
      ),
    },
    confirmFactorAtSignIn: {
      not_found: async () => await post("/auth/sign-in/enroll/mfa_1/confirm", wrongCode, (await enrolling()).ticket),
      "unauthorized.invalid_ticket": () => post(`/auth/sign-in/enroll/${generateId("mfa")}/confirm`, wrongCode),
      ...confirmRefusals(
        async () => {
          const { ada, ticket } = await enrolling();
          let uses = 0;
          // A ticket allows five attempts.
          return { ada, sent: async () => (uses++ < 4 ? ticket : await ticketOf(ada)) };
        },
        (factorId) => `/auth/sign-in/enroll/${factorId}/confirm`,
        () => "/auth/sign-in/enroll",
      ),
    },
    stepUp: {
      "unauthorized.user_not_verified": async () => {
        const response = await (await newAuthenticator()).get(anyRequest, {
          flags: withoutVerification,
          userHandle: null,
        });
        return await post("/auth/step-up", { type: "webauthn", response }, as(await world.person()));
      },
      "unauthorized.invalid_factor": async () => {
        const { person } = await addApp(world, await world.person());
        return await post("/auth/step-up", wrongCode, as(person));
      },
      "unauthorized.replayed_totp": async () => {
        const { app, person } = await addApp(world, await world.person());
        const proof = { type: "totp", code: await app.code() };
        await post("/auth/sign-in/factor", proof, await ticketOf(person));
        return await post("/auth/step-up", proof, as(person));
      },
      too_many_requests: async () => {
        const { person } = await addApp(world, await world.person());
        return await often("/auth/step-up", () => wrongCode, as(person));
      },
      "unavailable.busy": async () => {
        const { token } = await world.person();
        const json = { type: "password", password: goodPassword };
        return await busily({ method: "POST", path: "/auth/step-up", json, token });
      },
      "unauthorized.invalid_credential": async () =>
        await post("/auth/step-up", { type: "password", password: otherPassword }, as(await world.person())),
      "unauthorized.reauthentication_required": async () => {
        const { person } = await addApp(world, await world.person());
        await world.age(person.session, 700);
        return await post("/auth/step-up", { type: "password", password: goodPassword }, as(person));
      },
    },
    enrollOwnFactor: ownEnrollRefusals(() => "/auth/factors"),
    enrollMfaFactor: ownEnrollRefusals(({ userId }) => `/v1/users/${userId}/mfa-factors`),
    confirmOwnFactor: ownConfirmRefusals(
      (factorId) => `/auth/factors/${factorId}/confirm`,
      () => "/auth/factors",
    ),
    confirmMfaEnrollment: ownConfirmRefusals(
      (factorId) => `/v1/mfa-factors/${factorId}/confirm`,
      ({ userId }) => `/v1/users/${userId}/mfa-factors`,
    ),
    revokeOwnFactor: {
      not_found: async () =>
        await post(`/auth/factors/${generateId("mfa")}/revoke`, undefined, as(await world.person())),
      forbidden: async () => {
        const { factorId } = await givenApp(world, (await world.person()).userId, "active");
        return await post(`/auth/factors/${factorId}/revoke`, undefined, as(await world.administrator()));
      },
      ...revokeRefusals((factorId) => `/auth/factors/${factorId}/revoke`),
    },
    revokeMfaFactor: revokeRefusals((factorId) => `/v1/mfa-factors/${factorId}/revoke`),
    setOwnMfaPolicy: policyRefusals(() => "/auth/mfa-policy"),
    setMfaPolicy: {
      ...policyRefusals(({ userId }) => `/v1/users/${userId}/mfa-policy`),
      "conflict.already_terminal": async () => {
        const { userId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        return await put(`/v1/users/${userId}/mfa-policy`, { required: true }, as(await world.administrator()));
      },
    },
    grantMfaEnrollment: {
      "precondition.user_not_active": async () => {
        const { userId } = await world.person();
        await world.auth.users.suspend({ actor: system, userId });
        return await grant(userId);
      },
      "precondition.invalid_transition": async () => {
        const { person } = await addApp(world, await world.person());
        return await grant(person.userId);
      },
    },
    factorOptions: {
      "unauthorized.invalid_ticket": () => post("/auth/sign-in/factor/options"),
    },
  };
}
