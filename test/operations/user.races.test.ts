import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import { freshAddress, freshIdentifier, otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { givenPasskey } from "../support/factors.ts";

/** Races take long on a slow machine, and count many attempts at one account. */
const roomy = { timeoutMilliseconds: 60_000, auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } } };
const signIn = (auth: Auth, { identifier, password }: Pick<Person, "identifier" | "password">) =>
  auth.signIn.password({ identifier, password, context: { address: freshAddress() } });

describeWorld("racing revocation of a user", { on: ["postgres"], ...roomy }, (world) => {
  test("S16: revocation × new credentials, sessions and administrators, 40 rounds: nothing active is left", async () => {
    for (let turn = 0; turn < 40; turn++) {
      const person = await world.person();
      const { userId } = person;
      await givenPasskey(world, userId);
      const acts = [
        () =>
          outcome(
            world.auth.credentials.createPassword({
              actor: system,
              userId,
              identifier: freshIdentifier(),
              password: otherPassword,
            }),
          ),
        () => outcome(world.auth.users.revoke({ actor: system, userId })),
        () => outcome(signIn(world.auth, person)),
        () => outcome(world.auth.administrators.grant({ actor: system, userId })),
      ];
      const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act()));
      expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
      const id = uuidFor("usr", userId);
      const [left] = await world.rows(sql`
        select (select count(*)::int from cred where usr_id = ${id}::uuid and status <> 'revoked') as cred,
          (select count(*)::int from ses where usr_id = ${id}::uuid and revoked_at is null) as ses,
          (select count(*)::int from tup where subject_id = ${id}::uuid) as tup`);
      // The last administrator may not be revoked; then nothing was revoked.
      const isRevoked = (await world.auth.users.get({ actor: system, userId })).status === "revoked";
      if (isRevoked) expect(left).toEqual({ cred: 0, ses: 0, tup: 0 });
      else expect(codes).toContain("conflict.last_administrator");
      await world.rows(sql`delete from tup`);
    }
  });
});
