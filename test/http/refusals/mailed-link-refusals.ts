import { sql } from "../../../src/store/sql.ts";
import { freshIdentifier, otherPassword } from "../../support/auth.ts";
import { type Reply, send } from "../../support/http.ts";
import { applicationOf, type HttpWorld } from "../../support/http-world.ts";
import { linkBodies, mailed, withVerifiedAddress } from "../../support/links.ts";
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
  const confirmReset = "/auth/password-reset/confirm";
  const confirmSignUp = "/auth/sign-up/confirm";
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
    disownNotice: {
      "unauthorized.invalid_link": () => post("/auth/notices/disown", { token: invalid }),
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
