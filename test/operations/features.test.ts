import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { sharedByAllClients } from "../../src/http/client-address.ts";
import { passkeys } from "../../src/http/passkeys.ts";
import {
  type AuthOptions,
  ConfigurationError,
  type CredentialId,
  createAuth,
  passwords,
  probe,
  type SessionId,
  signUp,
  type UserId,
} from "../../src/index.ts";
import type { Database } from "../../src/store/sql.ts";
import { type FullAuth, quickHasher, secret } from "../support/auth.ts";

const silent: Database = {
  run: () => Promise.reject(new Error("Nothing may be sent.")),
  batch: () => Promise.reject(new Error("Nothing may be sent.")),
};
const settings: Omit<AuthOptions, "features"> = {
  database: silent,
  secrets: secret,
  origins: ["https://example.com"],
  clientAddress: sharedByAllClients,
};
const hasher = { ...quickHasher(), canVerify: () => true };

describe("createAuth: the list of features", () => {
  test("a namespace that two features share has the members of both; an unlisted feature has none", () => {
    const auth = createAuth({ ...settings, features: [passwords({ hasher }), passkeys()] });
    expect(Object.keys(auth.signIn).sort()).toEqual(["passkey", "passkeyOptions", "password"]);
    expect(auth).not.toHaveProperty("signUp");
    expectTypeOf(auth).not.toHaveProperty("signUp");
    expectTypeOf(auth).not.toHaveProperty("personalAccessTokens");
    expectTypeOf(auth.signIn).toHaveProperty("passkey");
  });

  test("without any feature: sessions can still be verified and ended", () => {
    const auth = createAuth({ ...settings, features: [] });
    expect(Object.keys(auth.sessions).sort()).toEqual(["signOut", "verify"]);
  });

  test("nothing is read before the first use, which then names the missing option", async () => {
    const read = vi.fn(() => undefined);
    const options = { ...settings, features: [signUp({ mode: "open" })] };
    Object.defineProperty(options, "secrets", { get: read, enumerable: true });
    const auth = createAuth(options);
    expect(read).not.toHaveBeenCalled();
    await expect(probe(auth)).rejects.toBeInstanceOf(ConfigurationError);
    await expect(probe(auth)).rejects.toMatchObject({ option: "secrets" });
  });

  test("a feature that hashes, without a hasher: the error names the option", async () => {
    const auth = createAuth({ ...settings, features: [signUp({ mode: "open" })] });
    const account = { identifier: "ada@example.com", password: "vmqkzhrwxjcygpfb" };
    await expect(auth.signUp(account)).rejects.toMatchObject({ option: "passwords" });
  });
});

describe("createAuth: a function of the environment", () => {
  test("is called once for each environment, and not before there is one", () => {
    const make = vi.fn((env: { SECRET: string }) => ({
      ...settings,
      secrets: env.SECRET,
      features: [passwords({ hasher })],
    }));
    const auth = createAuth(make);
    expect(make).not.toHaveBeenCalled();
    const [first, second] = [{ SECRET: secret }, { SECRET: secret }];
    expect(auth(first)).toBe(auth(first));
    expect(auth(second)).not.toBe(auth(first));
    expect(make).toHaveBeenCalledTimes(2);
    expectTypeOf(auth(first).signIn).toHaveProperty("password");
  });

  test("that declares no parameter: every request gets the same operations", () => {
    const make = vi.fn(() => ({ ...settings, features: [passwords({ hasher })] }));
    const auth = createAuth(make);
    expect(auth({ incoming: 1 })).toBe(auth({ incoming: 2 }));
    expect(auth(undefined)).toBe(auth({}));
    expect(make).toHaveBeenCalledTimes(1);
  });

  test("R131: that declares no parameter: called without an environment, so that no secrets of one environment reach another", () => {
    const fallback = { base: "https://common.example.com" };
    const auth = createAuth((env: { base: string } = fallback) => ({ ...settings, origins: [env.base], features: [] }));
    for (const base of ["https://one.example.com", "https://other.example.com"]) {
      expect(auth({ base }).origins[0]!.origin).toBe(fallback.base);
    }
  });

  test.each(["one", 1, true])("R131: with an environment that is not an object, %o: refused", (env) => {
    const auth = createAuth((_env: object) => ({ ...settings, features: [] }));
    expect(() => auth(env as unknown as object)).toThrow(TypeError);
  });

  test("that fails: is called again, and its error names the option `database`", () => {
    let fails = true;
    const auth = createAuth((_env: object) => {
      if (fails) throw new RangeError("canary");
      return { ...settings, features: [] };
    });
    const env = {};
    expect(() => auth(env)).toThrow(ConfigurationError);
    fails = false;
    expect(auth(env).origins).toHaveLength(1);
  });
});

test("an identifier of another type: refused by the compiler, and at run time not found", () => {
  expectTypeOf<{ userId: UserId }>().toExtend<Omit<Parameters<FullAuth["users"]["get"]>[0], "actor">>();
  expectTypeOf<{ userId: SessionId }>().not.toExtend<Omit<Parameters<FullAuth["users"]["get"]>[0], "actor">>();
  expectTypeOf<{ tokenId: CredentialId }>().not.toExtend<
    Omit<Parameters<FullAuth["personalAccessTokens"]["get"]>[0], "actor">
  >();
});
