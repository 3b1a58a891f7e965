/** A hostile issuer behind the routes: each of its faults is a refusal, and nothing is half made. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { oidc } from "../../src/providers/oidc.ts";
import { sql } from "../../src/store/sql.ts";
import { addressHeader, freshAddress, type Person } from "../support/auth.ts";
import { type Defect, defects } from "../support/defects.ts";
import { type Reply, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { TestIssuer } from "../support/issuer.ts";
import { createKeys } from "../support/tokens/signer.ts";

let world: HttpWorld;
let person: Person;
beforeAll(async () => {
  world = await openHttp("pglite", { auth: { signUp: "open" } });
  person = await world.person({ transport: "cookie" });
  await createKeys();
});
afterAll(() => world.close());

/** A provider of identities reads no organizations, and asks for no authentication context. */
const onlyOfAgents = /^(organization|acr )/;
const hostile = defects.filter(([name]) => !onlyOfAgents.test(name));

const rows = async () =>
  await world.rows(sql`select (select count(*)::int from usr) as usr, (select count(*)::int from cred) as cred,
    (select count(*)::int from ses) as ses, (select count(*)::int from login_ticket) as ticket,
    (select count(*)::int from linked_identity) as linked, (select count(*)::int from provider_token) as kept,
    (select count(*)::int from spent_challenge) as spent`);

/** A whole sign-in by the routes at an issuer with a fault, and the secrets that were on their way. */
async function signIn([, , spoil, request]: Defect): Promise<{
  replies: readonly Reply[];
  secrets: readonly string[];
}> {
  const issuer = await TestIssuer.open();
  issuer.spoils = await spoil(issuer);
  const secrets: string[] = [issuer.clientSecret];
  const { answer } = issuer.spoils;
  issuer.spoils = {
    ...issuer.spoils,
    answer: async (right, asked) => {
      if (asked.endpoint === "token") secrets.push(...tokensOf(await right.clone().text()));
      return (await answer?.(right, asked)) ?? right;
    },
  };
  const { url: issuerUrl, clientId, clientSecret, fetch } = issuer;
  const provider = oidc({ name: "acme", issuerUrl, clientId, clientSecret, fetch, timeoutMs: 1_000 });
  const app = applicationOf(world.isolate({ federation: { providers: [provider] } }));
  // A step-up asks for a new proof.
  const verb = request?.maxAge === undefined ? "start" : "step-up";
  const session = `__Host-session=${person.token}`;
  const headers = { [addressHeader]: freshAddress() };
  const begun = await send(app, {
    method: "GET",
    path: `/auth/oidc/acme/${verb}`,
    headers: { ...headers, "sec-fetch-site": "same-origin", ...(verb === "step-up" && { cookie: session }) },
  });
  const to = begun.headers.get("location")!;
  if (!to.startsWith(issuerUrl)) return { replies: [begun], secrets };
  const cookie = `${begun.setCookies[0]!.split(";")[0]!}${verb === "step-up" ? `; ${session}` : ""}`;
  const back = new URL(issuer.authorize(to, { sub: crypto.randomUUID() }));
  // A code of a few characters is also part of a word.
  secrets.push(...back.searchParams.getAll("code").filter((code) => code.length > 8));
  const reply = await send(app, {
    method: "GET",
    path: `/auth/oidc/acme/callback${back.search}`,
    headers: { ...headers, "sec-fetch-site": "cross-site", cookie },
  });
  return { replies: [begun, reply], secrets };
}

function tokensOf(text: string): string[] {
  return [...text.matchAll(/"(?:access_token|id_token|refresh_token)":"([^"]+)"/g)].map(([, token]) => token!);
}

describe("OC51, R085: a hostile issuer, at the callback of the mounted application", () => {
  test("there are at least 57 faults", () => {
    expect(hostile.length).toBeGreaterThanOrEqual(57);
  });

  test.each(hostile.map((defect) => [defect[0], defect] as const))(
    "%s: refused, and nothing is made",
    async (_name, defect) => {
      const before = await rows();
      const { replies, secrets } = await signIn(defect);
      const last = replies.at(-1)!;
      const [, expected, , request] = defect;
      const [code] = expected.split(" ");
      const isProviders = code === "issuer_invalid_response" || code === "configuration_error";
      const refusal = isProviders ? "unavailable.provider" : "unauthorized.provider";
      const reason = isProviders ? "" : `&reason=${code}`;
      const page = request?.maxAge === undefined ? "/sign-in" : "/account/security";
      expect([last.status, last.headers.get("location")]).toEqual([
        303,
        `${page}?refusal=${refusal}&provider=acme${reason}`,
      ]);
      expect(last.setCookies.filter((cookie) => !/=; Max-Age=0/.test(cookie))).toEqual([]);
      expect(await rows()).toEqual(before);
      const shown = JSON.stringify([last.text, [...last.headers]]);
      expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    },
  );
});
