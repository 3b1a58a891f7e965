import { parseOrigins } from "../domain/origin.ts";
import { UsageError } from "./command.ts";

const patienceMilliseconds = 10_000;

/** The form of a session token, of which no session has this one. */
const noToken = "A".repeat(43);

/** What is wrong with a deployment, in one sentence each. */
export async function* examineDeployment(text: string): AsyncGenerator<string> {
  const origin = originOf(text);
  const health = await ask(`${origin}/health`, {});
  if (!health) {
    yield "It does not answer.";
    return;
  }
  const said = await jsonOf(health);
  if (said?.code === "unavailable.configuration")
    yield `It refuses to serve: its option ${nameIn(said)} is missing or unsafe.`;
  else if (health.status === 503)
    yield "It cannot use its database: the database does not answer, or its schema does not fit this release.";
  else if (said?.status !== "ok") yield "It has no health route at /health, so this command checks only its origin.";
  yield* examineCookies(origin);
}

/** Signs out a session that does not exist, as a page of the origin itself would. */
async function* examineCookies(origin: string): AsyncGenerator<string> {
  const headers = { Origin: origin, Cookie: `__Host-session=${noToken}` };
  const response = await ask(`${origin}/auth/sign-out`, { method: "POST", headers });
  if (!response) yield "It does not answer at /auth/sign-out.";
  else if ((await jsonOf(response))?.code === "forbidden.cross_origin") {
    yield "It refuses requests from its own pages: the first of its `origins` (BASE_URL) is not the address at which it is reached.";
  }
}

/** @throws {UsageError} If the text is no https origin, nor one of loopback. */
function originOf(text: string): string {
  try {
    return parseOrigins([text])[0]!.origin;
  } catch (error) {
    throw new UsageError(`--origin: ${(error as Error).message}`);
  }
}

async function ask(url: string, init: RequestInit): Promise<Response | undefined> {
  try {
    return await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(patienceMilliseconds) });
  } catch (error) {
    // A network that fails, or a time-out: that is the finding.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError"))
      return undefined;
    throw error;
  }
}

async function jsonOf(response: Response): Promise<Record<string, unknown> | undefined> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The option that a refusal names, if it looks like a name. */
function nameIn({ details }: Record<string, unknown>): string {
  const { option } = (details ?? {}) as { option?: unknown };
  return typeof option === "string" && /^[\w.]{1,64}$/.test(option) ? option : "(unnamed)";
}
