import { expect, expectTypeOf, test } from "vitest";
import { type Work, work } from "../../src/engine/execute.ts";
import { recallCredential } from "../../src/store/credentials.ts";
import { recallUser, type UserRow } from "../../src/store/users.ts";

const body = recallUser("", "");

test("an operation infers the rows of its statement, and does not expose their type", () => {
  const made = work({
    body,
    onLostReply: recallUser("", ""),
    decode: (row, rows) => {
      expectTypeOf(row).toEqualTypeOf<UserRow>();
      expectTypeOf(rows).toEqualTypeOf<readonly UserRow[]>();
      return row.displayName;
    },
  });
  expectTypeOf(made).toEqualTypeOf<Work<string | null>>();
  expect(made.decode({ displayName: "Ada" }, [])).toBe("Ada");
});

test("a recall of another table does not compile", () => {
  // @ts-expect-error A credential is not a user.
  const made = work({ body, onLostReply: recallCredential("", ""), decode: () => undefined });
  expect(made.body).toBe(body);
});
