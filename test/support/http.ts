import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Hono } from "hono";
import type { OpenApiDocument, OpenApiOperation } from "../../build/openapi/document.node.ts";
import type { ErrorBody } from "../../src/domain/error.ts";
import { openapi } from "../../src/http/generated/openapi.ts";
import type { Route } from "../../src/http/route.ts";

/** The document that the server serves. */
export const document = JSON.parse(openapi) as OpenApiDocument;

const ajv = new Ajv2020({ strict: false, allErrors: false });
(addFormats as unknown as (instance: Ajv2020) => void)(ajv);
ajv.addSchema(document, "openapi.json");

/** One operation of the document, and how its path is recognized. */
export interface Operation extends OpenApiOperation {
  readonly method: string;
  readonly template: string;
  readonly pattern: RegExp;
}

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([template, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    ...operation,
    method: method.toUpperCase(),
    template,
    pattern: new RegExp(`^${template.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
  })),
);

/** The operation of a request; a literal path wins over one with a parameter. */
export function operationAt(method: string, path: string): Operation | undefined {
  const found = operations.filter(
    (one) => one.pattern.test(path) && one.method === (method === "HEAD" ? "GET" : method),
  );
  return found.sort((a, b) => a.template.split("{").length - b.template.split("{").length)[0];
}

/** The body of a request for a route, in the form that the route takes. */
export function bodyFor(
  { readForm }: Pick<Route, "readForm">,
  value: unknown,
): Pick<Sent, "json" | "body" | "headers"> {
  if (!readForm) return { json: value };
  const body = `${new URLSearchParams(value as Record<string, string>)}`;
  return { body, headers: { "content-type": "application/x-www-form-urlencoded" } };
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent unchanged. */
  readonly body?: BodyInit;
  readonly token?: string | undefined;
  /** The session cookie's value. */
  readonly cookie?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A response that has been read. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it requested.
  readonly json: any;
  /** The code of a refusal: in the body, or in the address that a browser is led to. */
  readonly code: ErrorBody["code"] | undefined;
  readonly setCookies: readonly string[];
}

/** Anything that answers requests, such as an app. */
export interface Server {
  request(path: string, init: RequestInit, env?: object, context?: ExecutionContext): Response | Promise<Response>;
}

/** The part of a Worker's context that a server uses. */
type ExecutionContext = Parameters<Hono["request"]>[3];

/** The answer to a request, once the work that the server does after it has been done as well. */
async function settled(server: Server, sent: Sent): Promise<Response> {
  const later: Promise<unknown>[] = [];
  const context = { waitUntil: (work: Promise<unknown>) => later.push(work), passThroughOnException() {}, props: {} };
  const response = await server.request(sent.path, requestOf(sent), {}, context as unknown as ExecutionContext);
  await Promise.all(later);
  return response;
}

export const origin = "https://example.com";

/** A request as a program would send it, or as one of the site's own pages would if it has a cookie. */
export function requestOf({ method, json, body, token, cookie, headers = {} }: Sent): RequestInit {
  const content = json === undefined ? body : JSON.stringify(json);
  return {
    method,
    headers: {
      ...(json !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(cookie !== undefined && { cookie: `__Host-session=${cookie}`, "sec-fetch-site": "same-origin", origin }),
      ...headers,
    },
    ...(content !== undefined && { body: content, duplex: "half" }),
  } as RequestInit;
}

/** Sends a request and checks the response against the document. @throws {Error} If the document does not allow it. */
export async function send(server: Server, sent: Sent): Promise<Reply> {
  const reply = await readReply(await settled(server, sent));
  const breach = undocumented(sent, reply);
  if (breach) throw new Error(`${sent.method} ${sent.path}: ${breach}\n${reply.status} ${reply.text.slice(0, 500)}`);
  return reply;
}

/** The answer of an application's own route to a request from another site. */
export async function askApplication(
  app: { request(path: string, init: RequestInit): Response | Promise<Response> },
  path: string,
  sent: { token?: string; cookie?: string; method?: string } = {},
): Promise<Reply> {
  const headers: Record<string, string> = { "sec-fetch-site": "cross-site" };
  if (sent.token) headers.authorization = `Bearer ${sent.token}`;
  if (sent.cookie) headers.cookie = `__Host-session=${sent.cookie}`;
  return await readReply(await app.request(path, { method: sent.method ?? "GET", headers }));
}

export async function readReply(response: Response): Promise<Reply> {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  const json = isJson && text !== "" ? JSON.parse(text) : undefined;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json,
    code: response.ok ? undefined : (json?.code ?? refusalIn(response.headers.get("location"))),
    setCookies: response.headers.getSetCookie(),
  };
}

function refusalIn(location: string | null): ErrorBody["code"] | undefined {
  const code = location && new URL(location, origin).searchParams.get("refusal");
  return (code ?? undefined) as ErrorBody["code"] | undefined;
}

/** The parts of a response that the document, or a rule for all responses, does not allow. */
export function undocumented(sent: Pick<Sent, "method" | "path" | "json">, reply: Reply): string | undefined {
  const operation = operationAt(sent.method, sent.path.split("?")[0]!);
  const documented = operation?.responses[reply.status];
  if (!operation)
    return isNothing(sent.method, reply) ? undefined : "there is no such route, and it is not a plain 404";
  if (!documented || reply.status === 500) return `the status ${reply.status} is not to be expected`;

  const bodyError = sent.method === "HEAD" ? undefined : wrongBody(operation, reply);
  if (bodyError) return bodyError;
  for (const [name, header] of Object.entries(documented.headers ?? {})) {
    if ((header as { required?: boolean }).required === false) continue;
    if (!reply.headers.has(name)) return `the header ${name} is missing`;
  }
  const isPublic = operation.operationId === "openapi" && reply.status === 200;
  if (reply.headers.get("cache-control") !== (isPublic ? "public, max-age=3600" : "no-store"))
    return "it can be cached";
  if (reply.setCookies.length > 0 && !maySetCookies(operation, reply)) return "it sets a cookie";
  if (reply.status < 300 && sent.json !== undefined && operation.requestBody?.content["application/json"]) {
    const validate = schemaAt(operation, "requestBody/content/application~1json/schema");
    if (!validate(sent.json)) return `it took a body that is not documented: ${ajv.errorsText(validate.errors)}`;
  }
  return undefined;
}

/** R065: without a route, the answer reveals nothing. */
function isNothing(method: string, { status, code, headers, setCookies }: Reply): boolean {
  const isRefused = status === 405 ? headers.has("allow") : status === 404;
  const named = status === 405 ? "method_not_allowed" : "not_found";
  return isRefused && (method === "HEAD" || code === named) && setCookies.length === 0;
}

function wrongBody(operation: Operation, reply: Reply): string | undefined {
  const documented = operation.responses[reply.status]!;
  if (!documented.content) return reply.text === "" ? undefined : "it has a body";
  if (reply.headers.get("content-type") !== "application/json") return "it is not JSON";
  const validate = schemaAt(operation, `responses/${reply.status}/content/application~1json/schema`);
  return validate(reply.json) ? undefined : `its body is not documented: ${ajv.errorsText(validate.errors)}`;
}

/**
 * S19: a response that issues a session may set cookies, and one that ends a session may clear them. No refusal may, except the
 * one with a ticket.
 */
function maySetCookies({ operationId }: Operation, { status, code }: Reply): boolean {
  if (status === 401)
    return /^signIn(WithLink)?$/.test(operationId) && /^unauthorized\.(mfa|enrollment)_required$/.test(code ?? "");
  return status < 400 && setCookieOperations.has(operationId);
}

const setCookieOperations: ReadonlySet<string> = new Set([
  "signUp",
  "signIn",
  "refresh",
  "signOut",
  "changePassword",
  "signInWithFactor",
  "confirmFactorAtSignIn",
  "confirmOwnFactor",
  "registerPasskey",
  "stepUp",
  "signInWithPasskey",
  "signInWithLink",
  "changeIdentifier",
  "confirmSignUp",
  "acceptDeploymentInvitation",
  "acceptInvitationAsNewUser",
  "startProviderSignIn",
  "followProviderSignIn",
  "startProviderLink",
  "followProviderLink",
  "startProviderStepUp",
  "followProviderStepUp",
  "discoverProvider",
  "beginMerge",
  "mergeUsers",
  "cancelMerge",
  "prepareProviderCredential",
  "receiveProviderAnswer",
  "signInWithProvider",
  "linkProvedIdentity",
  // The right to use the code of a message.
  "requestPasswordReset",
  "requestSignInLink",
  "requestSignUp",
  "requestIdentifierChange",
]);

const validators = new Map<string, ValidateFunction>();

function schemaAt({ template, method }: Operation, place: string): ValidateFunction {
  const pointer = `paths/${template.replaceAll("/", "~1")}/${method.toLowerCase()}/${place}`;
  const known = validators.get(pointer) ?? ajv.compile({ $ref: `openapi.json#/${encodeURI(pointer)}` });
  validators.set(pointer, known);
  return known;
}

/** A cookie that a response sets, field by field; attribute names in lower case. */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Reads a `Set-Cookie` header as RFC 6265bis §5.6 does. */
export function parseSetCookie(header: string): SetCookie {
  const [pair = "", ...rest] = header.split(";").map((part) => part.trim());
  const split = (text: string): [string, string] => {
    const at = text.indexOf("=");
    return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  };
  const [name, value] = split(pair);
  return {
    name,
    value,
    attributes: Object.fromEntries(rest.map(split).map(([key, text]) => [key.toLowerCase(), text])),
  };
}

/** The cookies that a response sets, by name. */
export function cookiesOf(reply: Reply): Readonly<Record<string, SetCookie>> {
  return Object.fromEntries(reply.setCookies.map(parseSetCookie).map((cookie) => [cookie.name, cookie]));
}
