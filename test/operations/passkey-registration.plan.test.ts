import { expect, test } from "vitest";
import { cte, handle } from "../../src/store/cte.ts";
import { sql } from "../../src/store/sql.ts";
import { claimCredentialId } from "../../src/store/webauthn.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("S24: a new passkey among five thousand accounts", { on: ["postgres"] }, (world) => {
  test("its id is looked for by indexes, in every state", async () => {
    await world.rows(sql`insert into usr (id) select gen_random_uuid() from generate_series(1, 5000)`);
    await world.rows(sql`
      insert into cred (id, usr_id, type, status, identifier, passkey_public_key, passkey_sign_count)
      select gen_random_uuid(), id, 'passkey', 'revoked', id::text, '\\x00', 0 from usr`);
    await world.rows(sql`
      insert into mfa (id, usr_id, type, status, identifier, webauthn_public_key, webauthn_sign_count, webauthn_rp_id)
      select gen_random_uuid(), id, 'webauthn', 'revoked', id::text, '\\x00', 0, 'example.com' from usr`);
    for (const analyze of [sql`analyze usr`, sql`analyze cred`, sql`analyze mfa`]) await world.rows(analyze);
    const holder = cte<"holder">(sql`holder`, sql`select id as usr_id, null::text as refusal from usr limit 1`);
    const key = {
      ...{ credentialId: "new", publicKey: "00", signCount: 0, rpId: "example.com", transports: [], aaguid: null },
      ...{ backupEligible: false, backedUp: false, isDecoy: false },
      challenge: { digest: "00", expiresAt: new Date(Date.now() + 60_000) },
    };
    const claim = claimCredentialId(handle(sql`holder`), key, null);
    const plan = JSON.stringify(
      await world.rows(sql`explain with ${holder.define}, ${claim.define} select * from ${claim.claimed}`),
    );
    expect(plan).not.toMatch(/Seq Scan on (cred|mfa)\b/);
    expect(plan).toMatch(/cred_passkey_id/);
    expect(plan).toMatch(/mfa_webauthn_id/);
  });
});
