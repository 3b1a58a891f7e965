import { parseOrigins } from "../domain/origin.ts";
import { UsageError } from "./command.ts";

const patienceMilliseconds = 10_000;

/** No answer of ours is longer. */
const mostCharacters = 65_536;

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
  const { status, json } = health;
  if (json?.code === "unavailable.configuration") {
    yield `It refuses to serve: its option ${nameIn(json)} is missing or unsafe.`;
  } else if (json?.code === "unavailable.database") {
    yield "It cannot use its database: the database does not answer, or its schema does not fit this release.";
  } else if (status !== 200 || json?.status !== "ok")
    yield `It has no health route at /health: the answer is ${status}.`;
  yield* examineSignOut(origin);
}

/** Signs out a session that does not exist, as a page of the origin itself would. */
async function* examineSignOut(origin: string): AsyncGenerator<string> {
  const headers = { Origin: origin, Cookie: `__Host-session=${noToken}` };
  const answer = await ask(`${origin}/auth/sign-out`, { method: "POST", headers });
  if (answer?.status === 204) return;
  if (answer?.json?.code === "forbidden.cross_origin") {
    yield "It refuses requests from its own pages: the first of its `origins` (BASE_URL) is not the address at which it is reached.";
  } else
    yield `It does not sign out at /auth/sign-out: ${answer ? `the answer is ${answer.status}` : "there is no answer"}.`;
}

/** @throws {UsageError} If the text is no https origin, nor one of loopback. */
function originOf(text: string): string {
  try {
    return parseOrigins([text])[0]!.origin;
  } catch (error) {
    throw new UsageError(`--origin: ${(error as Error).message}`);
  }
}

interface Answer {
  readonly status: number;
  /** Undefined if the body is no JSON object, or larger than any answer of ours. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

async function ask(url: string, init: RequestInit): Promise<Answer | undefined> {
  const signal = AbortSignal.timeout(patienceMilliseconds);
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal });
    return { status: response.status, json: parsed(await textOf(response)) };
  } catch (error) {
    // A network that fails, or a time-out: that is the finding.
    if (error instanceof TypeError || signal.aborted) return undefined;
    throw error;
  }
}

/** The start of a body. What is cut parses as nothing. */
async function textOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > mostCharacters) break;
  }
  return text.slice(0, mostCharacters);
}

function parsed(text: string): Answer["json"] {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? (body as Answer["json"]) : undefined;
  } catch {
    return undefined;
  }
}

/** The option that a refusal names, if it looks like a name. */
function nameIn({ details }: Readonly<Record<string, unknown>>): string {
  const { option } = (details ?? {}) as { option?: unknown };
  return typeof option === "string" && /^[\w.]{1,64}$/.test(option) ? option : "(unnamed)";
}
