/** The life of a session in the audit log: the event that made it and the event that ended it, for every operation. @module */
import { expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { prepareWrite, writes } from "./writes/every-write.ts";

describeWorld(
  "S61: sessions and their events",
  { on: ["pglite", "postgres"], clock: new Date("2026-11-22T12:00:00Z") },
  (world) => {
    /** The sessions that no event made, and those that ended without the id of the event that ended them. */
    const unnamed = () =>
      world.rows<{ id: string; made: boolean; ended: boolean }>(sql`
      select ses.id::text, made.id is not null as made, ses.revoked_at is null or ended.id is not null as ended
      from ses
      left join aud made on made.outcome = 'success' and 'ses_' || replace(ses.id::text, '-', '') in
        (made.metadata ->> 'session', made.metadata ->> 'successor', case made.action when 'identity.session.create' then made.target_id end)
      left join aud ended on ended.id = ses.ended_by
      where made.id is null or (ses.revoked_at is not null and ended.id is null)`);
    const ended = () => world.rows<{ id: string }>(sql`select id from ses where revoked_at is not null`);

    test.each(writes)("$name: every session names the events of its beginning and its end", async (write) => {
      const { person, prepared } = await prepareWrite(world, write);
      await write.act(world.auth, person, prepared);
      expect(await unnamed()).toEqual([]);
    });

    test("the writes have ended sessions, by many kinds of events", async () => {
      expect((await ended()).length).toBeGreaterThan(20);
      const kinds = await world.rows<{ action: string }>(sql`
      select distinct aud.action from ses join aud on aud.id = ses.ended_by order by 1`);
      expect(kinds.map(({ action }) => action)).toEqual(
        expect.arrayContaining([
          "identity.credential.revoke",
          "identity.credential.rotate",
          "identity.credential.suspend",
          "identity.mfa.confirm",
          "identity.mfa.revoke",
          "identity.password.change",
          "identity.session.refresh",
          "identity.session.revoke",
          "identity.session.revoke_others",
          "identity.session.sign_out",
          "identity.session.step_up",
          "identity.user.revoke",
          "identity.user.suspend",
        ]),
      );
    });

    test("one id prefix for one thing: every id in an event has the prefix of its table, and no UUID is bare", async () => {
      const events = await world.rows<{ text: string }>(sql`
        select target_id || ' ' || metadata::text || ' ' || coalesce(auth::text, '') as text from aud`);
      const named = new Map<string, Set<string>>();
      for (const { text } of events) {
        expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
        for (const [, prefix, id] of text.matchAll(/(?<![a-z0-9])([a-z]+)_([0-9a-f]{32})(?![0-9a-f])/g)) {
          named.set(id!, (named.get(id!) ?? new Set()).add(prefix!));
        }
      }
      expect(named.size).toBeGreaterThan(100);
      // A security key that is no factor yet has its row apart, under the id that it keeps.
      const rows = await world.rows<{ id: string; prefix: string }>(sql`
        select id::text, 'usr' as prefix from usr union all select id::text, 'ses' from ses
        union all select id::text, 'cred' from cred union all select id::text, 'mfa' from mfa
        union all select id::text, 'mfa' from mfa_registration union all select id::text, 'pat' from pat
        union all select id::text, 'tup' from tup`);
      const prefixes = new Map(rows.map(({ id, prefix }) => [id.replaceAll("-", ""), prefix]));
      const wrong = [...named]
        .map(([id, found]) => [[...found].sort().join(" "), prefixes.get(id) ?? "gone"])
        .filter(([found, expected]) => found !== expected);
      // What a write has deleted, or has refused to make, is named once.
      expect(wrong.filter(([found, expected]) => expected !== "gone" || found!.includes(" "))).toEqual([]);
    });

    test("a session that another person's sign-in in the same browser replaces: its row has the id of that event", async () => {
      const [ada, eve] = [await world.person(), await world.person()];
      await world.auth.signIn.password({ ...eve, presentedToken: ada.token });
      const [replaced] = await world.rows<{ action: string; actor: string }>(sql`
      select aud.action, aud.actor_usr_id::text as actor from ses join aud on aud.id = ses.ended_by
      where ses.token_hash = sha256(convert_to(${ada.token}, 'UTF8'))`);
      expect(replaced!.action).toBe("identity.sign_in");
      expect(await unnamed()).toEqual([]);
    });

    test("a stolen token that is refreshed late ends its family: the rows have the id of the denied event", async () => {
      const { token, transport } = await world.person();
      await world.auth.sessions.refresh({ token, transport });
      await advanceTestClock(world.database, 60);
      expect(await outcome(world.auth.sessions.refresh({ token, transport }))).toBe("unauthorized.session_expired");
      const [child] = await world.rows<{ outcome: string }>(sql`
      select aud.outcome from ses parent join ses on ses.id = parent.successor_id join aud on aud.id = ses.ended_by
      where parent.token_hash = sha256(convert_to(${token}, 'UTF8'))`);
      expect(child!.outcome).toBe("denied");
      expect(await unnamed()).toEqual([]);
    });
  },
);
