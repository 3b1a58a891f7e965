import { uuidFor } from "../../../src/domain/id.ts";
import { refuseCeremony } from "../../../src/domain/webauthn/refusal.ts";
import { sql } from "../../../src/store/sql.ts";
import type { Person } from "../../support/auth.ts";
import { newAuthenticator } from "../../support/authenticator.ts";
import { addPasskey, madeUpAssertion, madeUpRegistration, registrationBy } from "../../support/factors.ts";
import { send } from "../../support/http.ts";
import { applicationOf, type HttpWorld } from "../../support/http-world.ts";
import { anyRequest, withoutVerification } from "./factor-tools.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function passkeyRefusals(
  world: HttpWorld,
  { post, put, as, proving, often, withPasskey, endPasskey, withNeededPasskey }: RefusalTools,
): Record<string, Provocations> {
  const fiftyPasskeys = ({ userId }: Pick<Person, "userId">) =>
    world.rows(sql`
      insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count)
      select gen_random_uuid(), ${uuidFor("usr", userId)}::uuid, 'passkey', gen_random_uuid()::text, decode('00', 'hex'), 0
      from generate_series(1, 50)`);
  return {
    signInWithPasskey: {
      "unauthorized.invalid_credential": () => post("/auth/sign-in/passkey", { response: madeUpAssertion }),
      "unauthorized.user_not_verified": async () => {
        const response = await (await newAuthenticator()).get(anyRequest, {
          flags: withoutVerification,
          userHandle: null,
        });
        return await post("/auth/sign-in/passkey", { response });
      },
      too_many_requests: () => often("/auth/sign-in/passkey", () => ({ response: madeUpAssertion })),
    },
    passkeyRegistrationOptions: {
      "precondition.limit_reached": async () => {
        const ada = await world.person();
        await world.levelTwo(ada.session);
        await fiftyPasskeys(ada);
        return await post("/auth/passkeys/options", undefined, as(ada));
      },
    },
    registerPasskey: {
      "invalid_format.webauthn": async () =>
        await post("/auth/passkeys", { response: madeUpRegistration }, as(await world.person())),
      "invalid_format.user_not_verified": async () => {
        const [ada, device] = [await world.person(), await newAuthenticator()];
        const options = (await post("/auth/passkeys/options", undefined, as(ada))).json;
        const response = await device.create(options, { flags: withoutVerification | 0x40 });
        return await post("/auth/passkeys", { response }, as(ada));
      },
      "precondition.limit_reached": async () => {
        const [ada, device] = [await world.person(), await newAuthenticator()];
        await world.levelTwo(ada.session);
        const response = await registrationBy(world, ada, device);
        await fiftyPasskeys(ada);
        return await post("/auth/passkeys", { response }, as(ada));
      },
      "invalid_format.name": async () =>
        await post("/auth/passkeys", { response: madeUpRegistration, name: "" }, as(await world.person())),
      "conflict.duplicate_credential": async () => {
        const [ada, device] = [await world.person(), await newAuthenticator()];
        await world.levelTwo(ada.session);
        await addPasskey(world, ada, device);
        const response = await registrationBy(world, ada, device);
        return await post("/auth/passkeys", { response }, as(ada));
      },
      too_many_requests: async () => {
        const ada = await world.person();
        const attestation = { read: () => ({ verifierAt: () => async () => refuseCeremony("attestation_trust") }) };
        const limits = { address: { attempts: 1, windowSeconds: 60 } };
        const app = applicationOf(world.isolate({ attestation, limits }));
        const json = { response: await registrationBy(world, ada, await newAuthenticator()) };
        // An isolate lets five through, and then the database one.
        for (let time = 1; ; time++) {
          const reply = await send(app, { method: "POST", path: "/auth/passkeys", json, token: ada.token });
          if (time > 6) return reply;
        }
      },
    },
    renamePasskey: {
      not_found: async () => {
        const ada = await world.person();
        return await put(`/auth/passkeys/${ada.credentialId}`, { name: "x" }, as(ada));
      },
      forbidden: async () => {
        const { passkeyId } = await withPasskey();
        return await put(`/auth/passkeys/${passkeyId}`, { name: "x" }, as(await world.administrator()));
      },
      "invalid_format.name": async () => {
        const { ada, passkeyId } = await withPasskey();
        return await put(`/auth/passkeys/${passkeyId}`, { name: "" }, as(ada));
      },
      "conflict.already_terminal": async () => {
        const { ada, passkeyId } = await withPasskey();
        await endPasskey(passkeyId, ada);
        return await put(`/auth/passkeys/${passkeyId}`, { name: "x" }, as(ada));
      },
    },
    revokePasskey: {
      // The password is not a passkey.
      not_found: async () => {
        const { ada } = await withPasskey();
        return await post(`/auth/passkeys/${ada.credentialId}/revoke`, undefined, as(ada));
      },
      forbidden: async () => {
        const { passkeyId } = await withPasskey();
        return await post(`/auth/passkeys/${passkeyId}/revoke`, undefined, as(await world.administrator()));
      },
      "conflict.already_terminal": async () => {
        const { ada, passkeyId } = await withPasskey();
        await endPasskey(passkeyId, ada);
        return await endPasskey(passkeyId, ada);
      },
      "conflict.last_factor": async () => {
        const { ada, passkeyId } = await withNeededPasskey();
        return await endPasskey(passkeyId, ada);
      },
      "conflict.last_way_in": async () => {
        const [ada, device] = [await world.person(), await newAuthenticator()];
        const made = await post("/auth/passkeys", { response: await registrationBy(world, ada, device) }, as(ada));
        const response = await device.get(await world.auth.signIn.passkeyOptions());
        const { json } = await post("/auth/sign-in/passkey", { response, transport: "token" });
        await post(`/v1/credentials/${ada.credentialId}/revoke`, proving, { token: json.token });
        return await post(`/auth/passkeys/${made.json.id}/revoke`, undefined, { token: json.token });
      },
    },
  };
}
