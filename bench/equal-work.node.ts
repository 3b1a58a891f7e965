import { PGlite } from "@electric-sql/pglite";
import { createAuth, migrate, migrations, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { sharedByAllClients } from "sallyport/hono";
import { passkeys } from "sallyport/passkeys";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { pglite } from "sallyport/pglite";
import { newAuthenticator } from "../test/support/authenticator.ts";
import { welchT } from "../test/support/statistics.ts";

/** Something that exists, something that does not, and the question about both. */
interface Question {
  readonly name: string;
  readonly known: string;
  readonly unknown: string;
  readonly ask: (about: string) => Promise<unknown>;
}

/**
 * Whether the time of an answer reveals what exists: Welch's t between what exists and what does not, over interleaved pairs.
 *
 * @param pairs Default: 2,000.
 */
export async function measureEqualWork(pairs = 2_000): Promise<void> {
  console.log(`\n## Time of answers about what exists and what does not: ${pairs} pairs\n`);
  const embedded = await PGlite.create();
  const database = pglite(embedded);
  await migrate(database, migrations);
  const auth = createAuth({
    database,
    secrets: crypto.getRandomValues(Buffer.alloc(32)).toString("base64url"),
    origins: ["https://example.com"],
    clientAddress: sharedByAllClients,
    features: [
      passwords({ hasher: argon2id() }),
      signUp({ mode: "open" }),
      passkeys({ identifierFirst: true }),
      personalAccessTokens(),
    ],
  });
  const made = await auth.signUp({ identifier: "ada@example.com", password: "correct horse battery staple" });
  const { actor } = await auth.sessions.verify({ token: made.token, transport: "token" });
  const { token } = await auth.personalAccessTokens.create({ actor, userId: made.user.id, name: "ci", scope: ["a"] });
  const authenticator = await newAuthenticator();
  const response = await authenticator.create(await auth.passkeys.registrationOptions({ actor }));
  await auth.passkeys.register({ actor, response, transport: "token" });

  const signIn = (identifier: string) => auth.signIn.password({ identifier, password: "wrong horse battery staple" });
  const questions: readonly Question[] = [
    { name: "sign-in", known: "ada@example.com", unknown: "bob@example.com", ask: signIn },
    { name: "control: two unknown", known: "eve@example.com", unknown: "bob@example.com", ask: signIn },
    {
      name: "passkey options",
      known: "ada@example.com",
      unknown: "bob@example.com",
      ask: (identifier) => auth.signIn.passkeyOptions({ identifier }),
    },
    {
      name: "personal access token",
      known: `${token.slice(0, 37)}${"A".repeat(43)}`,
      unknown: `pat_${"0".repeat(32)}_${"A".repeat(43)}`,
      ask: (presented) => auth.personalAccessTokens.verify({ token: presented }),
    },
  ];
  for (const { name, known, unknown, ask } of questions) {
    const time = async (about: string): Promise<number> => {
      // Otherwise the limits would answer soon. This is not part of what is measured.
      await embedded.query("delete from attempt");
      const start = performance.now();
      await ask(about).catch(() => undefined);
      return performance.now() - start;
    };
    for (let warm = 0; warm < 20; warm++) await time(warm % 2 === 0 ? known : unknown);
    const samples: { known: number[]; unknown: number[] } = { known: [], unknown: [] };
    for (let pair = 0; pair < pairs; pair++) {
      // Each of a pair comes first equally often.
      if (pair % 2 === 0) samples.known.push(await time(known));
      samples.unknown.push(await time(unknown));
      if (pair % 2 === 1) samples.known.push(await time(known));
    }
    const mean = (times: readonly number[]) => (times.reduce((sum, one) => sum + one, 0) / times.length).toFixed(3);
    const t = Math.abs(welchT(samples.known, samples.unknown));
    console.log(`${name.padEnd(24)} ${mean(samples.known)} ms, ${mean(samples.unknown)} ms, |t| = ${t.toFixed(2)}`);
  }
  await embedded.close();
  console.log(
    "Method: one after another on PGlite in this process, each sample without its slowest tenth; below 4.5 nothing is seen.",
  );
}
