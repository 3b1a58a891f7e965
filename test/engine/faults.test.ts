import { afterEach, describe, expect, test, vi } from "vitest";
import { AuthError } from "../../src/domain/error.ts";
import { describeFault, reporter } from "../../src/engine/faults.ts";
import { ConfigurationError } from "../../src/engine/options.ts";
import { databaseError } from "../../src/store/drivers/database-error.ts";

afterEach(() => vi.restoreAllMocks());

const caused = (code: string, message = "canary") => Object.assign(new Error(message), { code });
const unavailable = (cause: unknown) => new AuthError("unavailable.database", { cause });

describe("describeFault", () => {
  test.each([
    ["ENOTFOUND", "DNS"],
    ["ECONNREFUSED", "refused the connection"],
    ["CERT_HAS_EXPIRED", "TLS"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "TLS"],
    ["28P01", "user or the password"],
    ["3D000", "no such database"],
    ["42P01", "sallyport migrate"],
    ["42501", "privilege"],
    ["53300", "out of connections"],
    ["57P03", "starting or shutting down"],
  ])("%s in a driver, behind a 503: the line says %s", (code, text) => {
    const line = describeFault(unavailable(databaseError(caused(code), "the connection broke")));
    expect(line).toMatch(/^unavailable\.database < Database(Unreachable)?Error/);
    expect(line).toContain(text);
    expect(line).not.toContain("canary");
  });

  test("a code of another client: the line names it", () => {
    expect(describeFault(unavailable(caused("53300")))).toContain("unavailable.database < Error 53300 at ");
  });

  test("S81: no message of any error in the chain is printed", () => {
    const error = unavailable(caused("23505", "Key (identifier)=(ada@example.com) already exists."));
    expect(describeFault(error)).not.toMatch(/ada@example|Key/);
    expect(describeFault(new RangeError("canary\nof two lines"))).not.toContain("canary");
    expect(describeFault("canary")).toBe("string");
  });

  test.each(["canary\n    at the/canary (1:2)", "", "$&"])(
    "S81: message %j: no line of it is taken for a place in the code",
    (message) => {
      const line = describeFault(unavailable(new RangeError(message)));
      expect(line).not.toContain("canary");
      expect(line).toMatch(/< RangeError at .*faults\.test\.ts:\d+:\d+\)?$/);
    },
  );

  test.each(["changed", "", "RangeError", " "])(
    "S81: a message that was changed to %j: no line of it is printed",
    (changed) => {
      const error = new RangeError("canary\n    at the/canary (1:2)");
      // V8 writes the stack down when it is first read.
      expect(error.stack).toContain("at the/canary");
      error.message = changed;
      expect(describeFault(unavailable(error))).toBe("unavailable.database < RangeError");
    },
  );

  test.each([
    { case: "a stack that is an array", fields: { stack: [{ line: 1 }] } },
    { case: "a stack that is a symbol", fields: { stack: Symbol("canary") } },
    { case: "a stack without a text", fields: { stack: Object.create(null) } },
    { case: "a message that is a symbol", fields: { message: Symbol("canary") } },
  ])("S81: $case: the line has the names", ({ fields }) => {
    const error = new RangeError("canary");
    expect(error.stack).toContain("canary");
    Object.assign(error, fields);
    expect(describeFault(unavailable(error))).toBe("unavailable.database < RangeError");
  });

  test("a missing option: prints its name and the place in the code", () => {
    expect(describeFault(new ConfigurationError("secrets", new TypeError("x")))).toMatch(
      /^ConfigurationError secrets < The option `secrets` cannot be used: x < TypeError at /,
    );
  });

  test("a circular chain of causes: ends", () => {
    const error = new Error("a");
    error.cause = error;
    expect(describeFault(error).length).toBeLessThan(1_000);
  });
});

describe("S81: reporter", () => {
  test("an error and its effects are reported once", () => {
    const told: unknown[] = [];
    const report = reporter((error) => told.push(error));
    const cause = caused("ECONNREFUSED");
    report(cause);
    report(cause);
    report(unavailable(cause));
    expect(told).toEqual([cause]);
  });

  test("a circular chain of causes: reported once", () => {
    const [outer, inner] = [new Error("outer"), new Error("inner")];
    outer.cause = inner;
    inner.cause = outer;
    const seen: unknown[] = [];
    const report = reporter((error) => seen.push(error));
    report(outer);
    report(outer);
    report(inner);
    expect(seen).toEqual([outer]);
  });

  test("by default it is one line on the console", () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    reporter()(unavailable(caused("ECONNREFUSED", "canary")));
    expect(log).toHaveBeenCalledTimes(1);
    expect(log.mock.calls[0]).toHaveLength(1);
    expect(log.mock.calls[0]![0]).toMatch(/^sallyport: unavailable\.database < Error ECONNREFUSED/);
    expect(log.mock.calls[0]![0]).not.toContain("canary");
  });

  test.each([
    {
      case: "throws",
      onError: () => {
        throw new RangeError("canary");
      },
    },
    {
      case: "rejects",
      onError: async () => {
        await Promise.resolve();
        throw new RangeError("canary");
      },
    },
  ])(
    "S81: an `onError` that $case changes no answer, and its fault is on the console with the first one",
    async ({ onError }) => {
      const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
      expect(() => reporter(onError)(unavailable(caused("ECONNREFUSED")))).not.toThrow();
      await vi.waitFor(() => expect(log).toHaveBeenCalledTimes(2));
      const lines = log.mock.calls.map(([line]) => String(line));
      expect(lines[0]).toContain("unavailable.database");
      expect(lines[1]).toContain("RangeError");
      expect(lines.join("\n")).not.toContain("canary");
    },
  );
});
