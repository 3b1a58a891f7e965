import { afterAll, beforeAll, expect, test } from "vitest";
import { uuidFor, wireId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import type { Person } from "../support/auth.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

const passkey = { public_key: "AA", sign_count: 0, rp_id: "example.com" };
const oidc = { oidc_issuer: "https://issuer.example", oidc_subject: "ada" };

const rowsOf = async ({ userId }: Person) =>
  await world.rows<{ id: string; row: string }>(sql`
    select cred.id, to_jsonb(cred)::text as row from cred where usr_id = ${uuidFor("usr", userId)}::uuid order by id`);

/** Credentials as a ceremony or an import has stored them. */
async function store({ userId }: Person): Promise<readonly string[]> {
  const made = await world.rows<{ id: string }>(sql`
    insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject, passkey_public_key, passkey_sign_count)
    select gen_random_uuid(), ${uuidFor("usr", userId)}::uuid, kind, gen_random_uuid()::text,
      case kind when 'oidc' then 'https://issuer.example' end, case kind when 'oidc' then gen_random_uuid()::text end,
      case kind when 'passkey' then decode('00', 'hex') end, case kind when 'passkey' then 0 end
    from unnest(array['oidc', 'passkey']) kind
    returning id`);
  return made.map(({ id }) => wireId("cred", id));
}

const askers = {
  "the owner": async () => {
    const owner = await world.person();
    return { owner, token: owner.token };
  },
  "an administrator": async () => ({ owner: await world.person(), token: (await world.administrator()).token }),
};

test.each(
  Object.entries(askers).flatMap(([who, make]) =>
    [
      { kind: "passkey", body: passkey },
      { kind: "oidc", body: oidc },
    ].map(({ kind, body }) => ({ who, make, kind, body })),
  ),
)(
  "S04: $who neither creates a credential of the type $kind under /v1, nor rotates one",
  async ({ make, kind, body }) => {
    const { owner, token } = await make();
    const ids = [owner.credentialId, ...(await store(owner))];
    const before = await rowsOf(owner);
    expect(before).toHaveLength(3);
    const creating = { usr_id: owner.userId, type: kind, identifier: "ada@example.com", ...body };
    const sent = [
      { path: "/v1/credentials", json: creating },
      ...ids.map((id) => ({ path: `/v1/credentials/${id}/rotate`, json: body })),
    ];
    for (const { path, json } of sent) {
      const reply = await world.send({ method: "POST", path, json, token });
      expect([path, reply.status, reply.code]).toEqual([path, 403, "forbidden"]);
    }
    expect(await rowsOf(owner)).toEqual(before);
  },
);

test.each([
  ["a password among a passkey's members", { type: "passkey", identifier: "x", ...passkey, password: "x" }],
  ["a passkey's members beside a password", { type: "password", identifier: "x", password: "x", ...passkey }],
  ["an identity's members beside a password", { type: "password", identifier: "x", password: "x", ...oidc }],
  ["an unknown type", { type: "webauthn", identifier: "x", ...passkey }],
  ["two types", { type: ["password", "oidc"], identifier: "x", password: "x" }],
])("S04: %s: no credential of either type", async (_case, body) => {
  const owner = await world.person();
  const before = await rowsOf(owner);
  const json = { usr_id: owner.userId, ...body };
  const reply = await world.send({ method: "POST", path: "/v1/credentials", json, token: owner.token });
  expect([reply.status, reply.code]).toEqual([400, "invalid_format.body"]);
  expect(await rowsOf(owner)).toEqual(before);
});
