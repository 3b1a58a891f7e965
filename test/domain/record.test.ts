import { describe, expect, expectTypeOf, test } from "vitest";
import {
  memberOf,
  type RowOf,
  toBody,
  toSparseBody,
  toValue,
  type ValueOf,
  type WireOf,
} from "../../src/domain/record.ts";

const thing = {
  id: "cred id",
  userId: "usr id",
  replaces: "cred id?",
  status: ["active", "revoked"],
  transport: ["cookie", null],
  displayName: "text?",
  amr: "texts",
  signCount: "count",
  isKept: "flag",
  createdAt: "time",
  lastUsedAt: "time?",
} as const;

const uuid = "0190f2a8-1b3c-7abc-8123-456789abcdef";
const hex = "0190f2a81b3c7abc8123456789abcdef";
const at = new Date(0);

const row: RowOf<typeof thing> = {
  ...{ id: uuid, userId: uuid, replaces: null, status: "active", transport: null, displayName: null },
  ...{ amr: ["pwd"], signCount: "4294967295", isKept: false, createdAt: at, lastUsedAt: at },
} as const;

const value: ValueOf<typeof thing> = {
  ...{ id: `cred_${hex}`, userId: `usr_${hex}`, replaces: null, status: "active", transport: null, displayName: null },
  ...{ amr: ["pwd"], signCount: 4_294_967_295, isKept: false, createdAt: at, lastUsedAt: at },
} as const;

describe("a record table", () => {
  test("its value: identifiers in wire form, counts as numbers, the rest as it is", () => {
    expect(toValue(thing, row)).toEqual(value);
  });

  test("the value of a row with prefixed names", () => {
    expect(
      toValue({ id: "usr id", displayName: "text?" }, { "user.id": uuid, "user.displayName": "Ada" }, "user."),
    ).toEqual({
      id: `usr_${hex}`,
      displayName: "Ada",
    });
  });

  test("its JSON: snake_case names in the order of the table, and no other members", () => {
    const body = toBody(thing, { ...value, secret: "s" } as typeof value);
    expect(JSON.stringify(body)).toBe(
      `{"id":"cred_${hex}","usr_id":"usr_${hex}","replaces":null,"status":"active","transport":null,"display_name":null,` +
        `"amr":["pwd"],"sign_count":4294967295,"is_kept":false,"created_at":"1970-01-01T00:00:00.000Z",` +
        `"last_used_at":"1970-01-01T00:00:00.000Z"}`,
    );
    expect(body.amr).not.toBe(value.amr);
  });

  test("its sparse JSON: no member that is null", () => {
    const sparse = { id: "cred id", replaces: "cred id?", isKept: "flag" } as const;
    expect(toSparseBody(sparse, value)).toEqual({ id: `cred_${hex}`, is_kept: false });
  });

  test("member names: of two words, and of an identifier", () => {
    expect([memberOf("passkeyRpId", "text?"), memberOf("credentialId", "cred id"), memberOf("id", "usr id")]).toEqual([
      "passkey_rp_id",
      "cred_id",
      "id",
    ]);
  });

  test("its types", () => {
    expectTypeOf<ValueOf<typeof thing>["userId"]>().toEqualTypeOf<`usr_${string}`>();
    expectTypeOf<ValueOf<typeof thing>["transport"]>().toEqualTypeOf<"cookie" | null>();
    expectTypeOf<RowOf<typeof thing>["signCount"]>().toEqualTypeOf<string>();
    expectTypeOf<WireOf<typeof thing>["last_used_at"]>().toEqualTypeOf<string | null>();
    // @ts-expect-error A session's identifier is not a user's.
    expectTypeOf<ValueOf<typeof thing>["userId"]>().toEqualTypeOf<`ses_${string}`>();
  });
});
