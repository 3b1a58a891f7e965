import { uuidFor } from "../../../src/domain/id.ts";
import { sql } from "../../../src/store/sql.ts";
import { freshIdentifier, otherPassword } from "../../support/auth.ts";
import { addApp } from "../../support/factors.ts";
import { type Reply, send } from "../../support/http.ts";
import { applicationOf, type HttpWorld } from "../../support/http-world.ts";
import { linkBodies, mailed, recoveryOf, withNewAddress, withVerifiedAddress } from "../../support/links.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

const invalid = "A".repeat(43);

export function mailedLinkRefusals(
  world: HttpWorld,
  { post, busily, often }: RefusalTools,
): Record<string, Provocations> {
  const bodyOf = (id: string) => linkBodies(world)[id]!();
  /** Asks an application with other options. */
  const elsewhere = async (path: string, json: object, options: Parameters<HttpWorld["isolate"]>[0]) =>
    await send(applicationOf(world.isolate(options)), { method: "POST", path, json });
  const withoutSignIn = () => ({ mail: { mailer: world.mailbox, signIn: false } });
  const closed = { signUp: "closed" } as const;
  const manyMessages = (path: string): (() => Promise<Reply>) => {
    return async () => {
      const identifier = freshIdentifier();
      return await often(path, () => ({ identifier, transport: "token" }));
    };
  };
  const manyPasswords = (id: string, path: string): (() => Promise<Reply>) => {
    return async () => {
      const body = await bodyOf(id);
      return await often(path, () => ({ ...body, password: "tuldnbfp" }));
    };
  };
  const verified = async () => await withVerifiedAddress(world, await world.person());
  /** An account with an authenticator app, whose address was changed. */
  const changedWithApp = async () => {
    const { app, person } = await addApp(world, await verified());
    return { app, ...(await withNewAddress(world, person)) };
  };
  const confirmReset = "/auth/password-reset/confirm";
  const confirmSignUp = "/auth/sign-up/confirm";
  const finishRecovery = "/auth/recovery/finish";
  return {
    requestPasswordReset: { too_many_requests: manyMessages("/auth/password-reset") },
    resetPassword: {
      "unauthorized.invalid_link": () => post(confirmReset, { token: invalid, password: otherPassword }),
      "invalid_format.password": async () =>
        await post(confirmReset, { ...(await bodyOf("resetPassword")), password: "tuldnbfp" }),
      too_many_requests: manyPasswords("resetPassword", confirmReset),
      "unavailable.busy": async () =>
        await busily({ method: "POST", path: confirmReset, json: await bodyOf("resetPassword") }),
    },
    requestSignInLink: {
      not_found: () => elsewhere("/auth/sign-in/link/request", { identifier: freshIdentifier() }, withoutSignIn()),
      too_many_requests: manyMessages("/auth/sign-in/link/request"),
    },
    signInWithLink: {
      not_found: () => elsewhere("/auth/sign-in/link", { token: invalid }, withoutSignIn()),
      "unauthorized.invalid_link": () => post("/auth/sign-in/link", { token: invalid }),
      "forbidden.enrollment_not_granted": async () => {
        const { identifier, userId } = await withVerifiedAddress(world, await world.person());
        const { token } = await mailed(world, "signIn", identifier);
        await world.requireFactor(userId, new Date(0));
        return await post("/auth/sign-in/link", { token, transport: "token" });
      },
      "unauthorized.mfa_required": async () => {
        const { identifier, userId } = await withVerifiedAddress(world, await world.person());
        const { token } = await mailed(world, "signIn", identifier);
        await world.enroll(userId);
        return await post("/auth/sign-in/link", { token, transport: "token" });
      },
      "unauthorized.enrollment_required": async () => {
        const { identifier, userId } = await withVerifiedAddress(world, await world.person());
        const { token } = await mailed(world, "signIn", identifier);
        await world.requireFactor(userId);
        return await post("/auth/sign-in/link", { token, transport: "token" });
      },
    },
    requestSignUp: {
      "forbidden.sign_up_closed": () => elsewhere("/auth/sign-up/request", { identifier: freshIdentifier() }, closed),
      "invalid_format.identifier": () => post("/auth/sign-up/request", { identifier: "ada" }),
      too_many_requests: manyMessages("/auth/sign-up/request"),
    },
    confirmSignUp: {
      "forbidden.sign_up_closed": () => elsewhere(confirmSignUp, { token: invalid, password: otherPassword }, closed),
      "unauthorized.invalid_link": () => post(confirmSignUp, { token: invalid, password: otherPassword }),
      "invalid_format.name": async () =>
        await post(confirmSignUp, { ...(await bodyOf("confirmSignUp")), display_name: "x".repeat(201) }),
      "invalid_format.password": async () =>
        await post(confirmSignUp, { ...(await bodyOf("confirmSignUp")), password: "tuldnbfp" }),
      "conflict.duplicate_credential": async () => {
        const { identifier } = await world.person();
        await world.rows(sql`update cred set identifier = 'free' || identifier where identifier = ${identifier}`);
        const { token } = await mailed(world, "signUp", identifier);
        await world.rows(sql`update cred set identifier = ${identifier} where identifier = ${`free${identifier}`}`);
        return await post(confirmSignUp, { token, password: otherPassword });
      },
      too_many_requests: manyPasswords("confirmSignUp", confirmSignUp),
      "unavailable.busy": async () =>
        await busily({ method: "POST", path: confirmSignUp, json: await bodyOf("confirmSignUp") }),
    },
    cancelRecovery: {
      "unauthorized.invalid_link": () => post("/auth/recovery/cancel", { token: invalid }),
    },
    finishRecovery: {
      "unauthorized.invalid_link": () => post(finishRecovery, { token: invalid, password: otherPassword }),
      "invalid_format.password": async () =>
        await post(finishRecovery, { ...(await bodyOf("finishRecovery")), password: "tuldnbfp" }),
      "conflict.duplicate_credential": async () => {
        const { identifier, token } = await recoveryOf(world, await world.person());
        await world.person({ identifier });
        return await post(finishRecovery, { token, password: otherPassword });
      },
      too_many_requests: manyPasswords("finishRecovery", finishRecovery),
      "unavailable.busy": async () =>
        await busily({ method: "POST", path: finishRecovery, json: await bodyOf("finishRecovery") }),
    },
    disownNotice: {
      "unauthorized.invalid_link": () => post("/auth/notices/disown", { token: invalid }),
      "unauthorized.reauthentication_required": async () =>
        await post("/auth/notices/disown", { token: (await changedWithApp()).back }),
      "unauthorized.invalid_factor": async () => {
        const { back: token } = await changedWithApp();
        return await post("/auth/notices/disown", { token, proof: { type: "totp", code: "no" } });
      },
      "unauthorized.replayed_totp": async () => {
        const { back: token, app, userId } = await changedWithApp();
        const proof = { type: "totp", code: await app.code() };
        await world.rows(
          sql`update mfa set totp_last_step = 9999999999 where usr_id = ${uuidFor("usr", userId)}::uuid`,
        );
        return await post("/auth/notices/disown", { token, proof });
      },
      "conflict.duplicate_credential": async () => {
        const { back: token, before: identifier } = await withNewAddress(world, await verified());
        await withVerifiedAddress(world, await world.person({ identifier }));
        return await post("/auth/notices/disown", { token });
      },
      too_many_requests: async () => {
        const { back: token } = await changedWithApp();
        return await often("/auth/notices/disown", () => ({ token, proof: { type: "totp", code: "no" } }));
      },
      "unavailable.busy": async () => {
        const { person } = await addApp(world, await verified());
        const { codes } = await world.auth.factors.replaceRecoveryCodes(person);
        const { back: token } = await withNewAddress(world, person);
        const proof = { type: "recovery", code: codes[0] };
        return await busily({ method: "POST", path: "/auth/notices/disown", json: { token, proof } });
      },
    },
    exchangeMailedCode: {
      "unauthorized.invalid_link": async () =>
        await post("/auth/mailed-code", { ...(await bodyOf("exchangeMailedCode")), code: "no" }),
      too_many_requests: async () => {
        const body = await bodyOf("exchangeMailedCode");
        return await often("/auth/mailed-code", () => ({ ...body, code: "no" }));
      },
    },
  };
}
