import { expect, test } from "vitest";
import { newUuid } from "../../src/domain/id.ts";
import { disown } from "../../src/store/disown.ts";
import { sql } from "../../src/store/sql.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("R021: “this was not me” among five thousand accounts", { on: ["postgres"] }, (world) => {
  test("reads the rows of its own account, and of its address", async () => {
    await world.rows(sql`insert into usr (id) select gen_random_uuid() from generate_series(1, 5000)`);
    await world.rows(sql`
      insert into cred (id, usr_id, type, identifier, password_hash)
      select gen_random_uuid(), id, 'password', id::text || '@example.com', 'x' from usr`);
    await world.rows(sql`
      insert into mail_message (id, kind, usr_id, cred_id, event_id, recipient, content, expires_at)
      select gen_random_uuid(), 'password_changed', usr_id, id, gen_random_uuid(), identifier, '{}', now() from cred`);
    for (const analyze of [sql`analyze usr`, sql`analyze cred`, sql`analyze mail_message`]) await world.rows(analyze);
    const statement = disown({
      ...{ noticeId: newUuid(), newCredentialId: newUuid(), auditId: newUuid(), proof: undefined, context: {} },
      message: { id: newUuid(), kind: "reset", content: {}, lifetimeSeconds: 60 },
      tokenHash: "00".repeat(32),
    });
    const plan = JSON.stringify(await world.rows(sql`explain ${statement}`));
    expect(plan).not.toMatch(/Seq Scan on (cred|mail_message|usr)\b/);
    const [, cost] = /cost=[\d.]+\.\.([\d.]+)/.exec(plan)!;
    // 1,200 here. It was two million.
    expect(Number(cost)).toBeLessThan(3_000);
  });
});
