import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasAccess, parseScope } from "../../src/domain/scope.ts";

/** AuthPI's grammar and what it leaves open: granted scopes, action, resource, answer. */
const rows: readonly (readonly [readonly string[], string, string, boolean])[] = [
  [["projects:**", "users:read"], "read", "projects", true],
  [["projects:**"], "delete", "projects.tasks", true],
  [["projects:**"], "read", "projects.tasks.comments", true],
  [["projects:**"], "read", "projectsx", false],
  [["users:read"], "write", "users", false],
  [["users:read"], "read", "users.verifiers", false],
  [["projects:*"], "read", "projects", true],
  [["projects:*"], "read", "projects.tasks", false],
  [["projects.tasks:*"], "read", "projects", false],
  [["projects.tasks:**"], "write", "projects.tasks.comments", true],
  [["*:read"], "read", "users", true],
  [["*:read"], "write", "users", false],
  [["*:read"], "read", "projects.tasks", false],
  [["*:*"], "write", "users", true],
  [["*:*"], "write", "users.x", false],
  [["*:**"], "write", "a.b.c", true],
  [["owner"], "read", "users", false],
  [["owner", "admin", "member"], "read", "billing", false],
  [["users:Read"], "read", "users", false],
  [["users:read "], "read", "users", false],
  [["users"], "read", "users", false],
  [[":read"], "read", "users", false],
  [["users:"], "read", "users", false],
  [["a:b:c"], "c", "a:b", false],
  [["users.*:read"], "read", "users.x", false],
  [["**:read"], "read", "a.b", false],
  [["openid", "profile"], "read", "profile", false],
  [[], "read", "users", false],
  [["users:read"], "*", "users", false],
  [["*:**"], "*", "users", false],
  [["*:**"], "read", "*", false],
  [["*:**"], "read", "", false],
];

describe("OC17, 004.40 to 004.46: hasAccess", () => {
  test.each(rows)("%j: %s on %s is %s", (scopes, action, resource, expected) => {
    expect(hasAccess(scopes, action, resource)).toBe(expected);
  });

  test("the table has its 32 rows", () => {
    expect(rows).toHaveLength(32);
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "the name %s is a resource like others",
    (name) => {
      expect(hasAccess([`${name}:read`], "read", name)).toBe(true);
      expect(hasAccess(["users:read"], "read", name)).toBe(false);
    },
  );

  test.each(["users.", ".users", "users..x", "users:x", "us ers", "users\n", "**", "us*", "uſers"])(
    "a request for the resource %j is refused by every scope",
    (resource) => {
      expect(hasAccess(["*:**", `${resource}:**`, "users:**"], "read", resource)).toBe(false);
    },
  );
});

describe("004.47: parseScope", () => {
  test.each([
    ["users.verifiers:write", { resource: "users.verifiers", action: "write" }],
    ["projects:**", { resource: "projects", action: "**" }],
    ["*:read", { resource: "*", action: "read" }],
    ["a_b-1.C:X-y_2", { resource: "a_b-1.C", action: "X-y_2" }],
    ["openid", undefined],
    ["owner", undefined],
    ["users.*:read", undefined],
    ["**:**", undefined],
    ["users:***", undefined],
    ["users:read\n", undefined],
    ["users:re.ad", undefined],
    [".users:read", undefined],
    ["", undefined],
    [":", undefined],
  ])("%j", (scope, expected) => {
    expect(parseScope(scope)).toEqual(expected);
  });
});

describe("against a naive twin", () => {
  const isSegment = (text: string) => text !== "" && [...text].every((letter) => /[A-Za-z0-9_-]/.test(letter));
  /** Splits and compares, without regular expressions for the whole. */
  const twin = (scopes: readonly string[], action: string, resource: string): boolean => {
    const wanted = resource.split(".");
    if (!isSegment(action) || !wanted.every(isSegment)) return false;
    return scopes.some((scope) => {
      const parts = scope.split(":");
      if (parts.length !== 2) return false;
      const [path, verb] = parts as [string, string];
      const granted = path.split(".");
      if (path !== "*" && !granted.every(isSegment)) return false;
      if (verb === "**") return path === "*" || granted.every((one, at) => one === wanted[at]);
      if (verb !== "*" && (verb !== action || !isSegment(verb))) return false;
      return path === "*" ? wanted.length === 1 : path === resource;
    });
  };
  const segment = fc.constantFrom("a", "b", "ab", "A", "*", "**", "", " ", "a:b");
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
  const scope = fc.oneof(
    fc.tuple(path, segment).map(([resource, action]) => `${resource}:${action}`),
    fc.constantFrom("owner", "openid", ":", "*:**", "*:*", "a:**"),
    fc.string(),
  );

  test("gives the same answers", () => {
    let granted = 0;
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 4 }), segment, path, (scopes, action, resource) => {
        const answer = hasAccess(scopes, action, resource);
        expect(answer).toBe(twin(scopes, action, resource));
        if (answer) granted += 1;
      }),
      { numRuns: 20_000 },
    );
    expect(granted).toBeGreaterThan(100);
  });

  test("more scopes never take access away", () => {
    fc.assert(
      fc.property(fc.array(scope), fc.array(scope), segment, path, (some, more, action, resource) => {
        if (hasAccess(some, action, resource)) expect(hasAccess([...more, ...some], action, resource)).toBe(true);
      }),
    );
  });
});
