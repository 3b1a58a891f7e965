/**
 * Clients that two generators make from the OpenAPI document: they compile with SimpleWebAuthn's types, and sign in.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openapi } from "../../src/http/generated/openapi.ts";
import { addressHeader, freshAddress, freshIdentifier, goodPassword } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { compile, tool } from "../support/built-package.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

let world: HttpWorld;
let folder: string;
beforeAll(async () => {
  world = await openHttp("pglite");
  folder = await mkdtemp(join(tmpdir(), "sallyport-clients-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await writeFile(join(folder, "openapi.json"), openapi);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await world.close();
});

/** What a program does with its client. The standard's dictionaries are SimpleWebAuthn's. */
interface Program {
  signUp(identifier: string, password: string): Promise<string>;
  register(token: string, create: (options: never) => Promise<unknown>): Promise<string>;
  signIn(identifier: string, password: string): Promise<string>;
  signInWithPasskey(get: (options: never) => Promise<unknown>): Promise<string>;
  userOf(token: string): Promise<string>;
  /** The code of the refusal. */
  refusedSignIn(identifier: string, password: string): Promise<string>;
}

/** The compiler that both generators need: the project's own has no interface for programs. */
const compilerHook = (): string => {
  const generator = createRequire(import.meta.url).resolve("oazapfts");
  const typescript = createRequire(generator).resolve("typescript");
  return `import { registerHooks } from "node:module";
const typescript = ${JSON.stringify(typescript)};
registerHooks({ resolve: (name, context, next) => next(name === "typescript" ? typescript : name, context) });
`;
};

const standard = `import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";

type Create = (options: PublicKeyCredentialCreationOptionsJSON) => Promise<RegistrationResponseJSON>;
type Get = (options: PublicKeyCredentialRequestOptionsJSON) => Promise<AuthenticationResponseJSON>;
`;

interface Client {
  readonly program: string;
  /** Whether the generated code is written for `exactOptionalPropertyTypes`. */
  readonly isExact: boolean;
  generate(): Promise<unknown>;
}

const clients: Record<string, Client> = {
  "openapi-typescript, openapi-fetch": {
    isExact: true,
    async generate() {
      const hook = join(folder, "compiler-hook.mjs");
      await writeFile(hook, compilerHook());
      const args = [
        "--import",
        pathToFileURL(hook).href,
        tool("openapi-typescript"),
        "openapi.json",
        "-o",
        "schema.ts",
      ];
      await run(process.execPath, args, { cwd: folder });
    },
    program: `${standard}
import createClient from "openapi-fetch";
import type { paths } from "./schema.ts";

export function clientOn(fetch: (request: Request) => Promise<Response>) {
  const client = createClient<paths>({ baseUrl: "https://example.com", fetch });
  const as = (token: string) => ({ headers: { authorization: "Bearer " + token } });
  return {
    async signUp(identifier: string, password: string): Promise<string> {
      const { data } = await client.POST("/auth/sign-up", { body: { identifier, password, transport: "token" } });
      return data!.token!;
    },
    async register(token: string, create: Create): Promise<string> {
      const { data: options } = await client.POST("/auth/passkeys/options", as(token));
      const response = await create(options!);
      const { data } = await client.POST("/auth/passkeys", { body: { response, name: "laptop" }, ...as(token) });
      return data!.status;
    },
    async signIn(identifier: string, password: string): Promise<string> {
      const { data } = await client.POST("/auth/sign-in", { body: { identifier, password, transport: "token" } });
      if (!data || !("token" in data)) throw new Error("A second factor is demanded.");
      return data.token!;
    },
    async signInWithPasskey(get: Get): Promise<string> {
      const { data: options } = await client.POST("/auth/sign-in/passkey/options", { body: {} });
      const response = await get(options!);
      const { data } = await client.POST("/auth/sign-in/passkey", { body: { response, transport: "token" } });
      return data!.token!;
    },
    async userOf(token: string): Promise<string> {
      return (await client.GET("/auth/session", as(token))).data!.user.id;
    },
    async refusedSignIn(identifier: string, password: string): Promise<string> {
      const { error } = await client.POST("/auth/sign-in", { body: { identifier, password } });
      return error!.code;
    },
  };
}

export const wrong = (fetch: (request: Request) => Promise<Response>) => {
  const client = createClient<paths>({ baseUrl: "https://example.com", fetch });
  // @ts-expect-error a body is needed
  void client.POST("/auth/sign-in");
  // @ts-expect-error there is no such route
  void client.DELETE("/auth/sign-in");
  // @ts-expect-error there is no such member
  void client.POST("/auth/sign-in", { body: { user: "ada", password: "x" } });
};
`,
  },
  oazapfts: {
    isExact: false,
    generate: () => run(process.execPath, [tool("oazapfts"), "openapi.json", "api.ts"], { cwd: folder }),
    program: `${standard}
import * as api from "./api.ts";

export function clientOn(fetch: (request: Request) => Promise<Response>) {
  const custom = ((input: string, init?: RequestInit) => fetch(new Request(input, init))) as typeof globalThis.fetch;
  Object.assign(api.defaults, { baseUrl: "https://example.com", fetch: custom });
  const as = (token: string) => ({ headers: { authorization: "Bearer " + token } });
  return {
    async signUp(identifier: string, password: string): Promise<string> {
      const made = await api.signUp({ identifier, password, transport: "token" });
      if (made.status !== 201) throw new Error(made.data.code);
      return made.data.token!;
    },
    async register(token: string, create: Create): Promise<string> {
      const options = await api.passkeyRegistrationOptions(as(token));
      if (options.status !== 200) throw new Error(options.data.code);
      const response = await create(options.data);
      const made = await api.registerPasskey({ response, name: "laptop" }, as(token));
      if (made.status !== 201) throw new Error(made.data.code);
      return made.data.status;
    },
    async signIn(identifier: string, password: string): Promise<string> {
      const signedIn = await api.signIn({ identifier, password, transport: "token" });
      if (signedIn.status !== 200) throw new Error(signedIn.data.code);
      if (!("token" in signedIn.data)) throw new Error("A second factor is demanded.");
      return signedIn.data.token!;
    },
    async signInWithPasskey(get: Get): Promise<string> {
      const options = await api.passkeySignInOptions({});
      if (options.status !== 200) throw new Error(options.data.code);
      const signedIn = await api.signInWithPasskey({ response: await get(options.data), transport: "token" });
      if (signedIn.status !== 200) throw new Error(signedIn.data.code);
      return signedIn.data.token!;
    },
    async userOf(token: string): Promise<string> {
      const current = await api.currentSession(as(token));
      if (current.status !== 200) throw new Error(current.data.code);
      return current.data.user.id;
    },
    async refusedSignIn(identifier: string, password: string): Promise<string> {
      const refused = await api.signIn({ identifier, password });
      return refused.status === 200 ? "" : refused.data.code;
    },
  };
}

export const wrong = () => {
  // @ts-expect-error a body is needed
  void api.signIn();
  // @ts-expect-error there is no such member
  void api.signIn({ user: "ada", password: "x" });
};
`,
  },
};

describe("S73: a client made from the OpenAPI document", () => {
  test.each(Object.entries(clients))(
    "%s: compiles, and signs in with a password and a passkey",
    {
      timeout: 120_000,
    },
    async (name, { generate, program, isExact }) => {
      const file = `${name.replace(/\W/g, "-")}.ts`;
      await generate();
      await writeFile(join(folder, file), program);
      expect(await compile(folder, [file], { exactOptionalPropertyTypes: isExact })).toBe("");

      const { clientOn } = await import(pathToFileURL(join(folder, file)).href);
      const client: Program = clientOn(async (request: Request) => {
        request.headers.set(addressHeader, freshAddress());
        return await world.app.request(request);
      });
      const [identifier, authenticator] = [freshIdentifier(), await newAuthenticator()];
      const token = await client.signUp(identifier, goodPassword);
      const userId = await client.userOf(token);
      expect(await client.refusedSignIn(identifier, `${goodPassword}x`)).toBe("unauthorized.invalid_credential");
      expect(await client.userOf(await client.signIn(identifier, goodPassword))).toBe(userId);
      expect(await client.register(token, authenticator.create)).toBe("active");
      expect(await client.userOf(await client.signInWithPasskey(authenticator.get))).toBe(userId);
    },
  );
});
