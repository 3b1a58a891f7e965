/** Requests to other services, bounded in time and size. @module */
import { type Bytes, joinBytes } from "../crypto/bytes.ts";
import { OptionError, requireOption } from "../domain/option-error.ts";
import { isServiceUrl } from "../domain/service-url.ts";

/** A service did not answer as it should. The text is fixed: a reply, or a runtime's message, can quote what was asked. */
export function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

/** A request that is made once, with the most that its answer may cost. */
export interface BoundedRequest {
  readonly url: string;
  readonly init: RequestInit;
  readonly milliseconds: number;
  readonly maxBytes: number;
  /** Default: the runtime's own. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** An answer whose body was read to its end. */
export interface BoundedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Bytes;
}

/**
 * The text of an answer with status 200. Redirects are not followed, because they would carry what is asked elsewhere.
 *
 * @throws {Error} With a code: `TIMEOUT`, `UNREACHABLE`, `TOO_LARGE`, or `HTTP_` and the status.
 */
export async function fetchText(request: BoundedRequest): Promise<string> {
  const { status, body } = await fetchBounded(request, (status) => status === 200);
  if (status !== 200) throw failure(`The service answered ${status}.`, `HTTP_${status}`);
  return new TextDecoder().decode(body);
}

/**
 * The answer, without following a redirect. The body is read if its status `isRead`, and is empty otherwise.
 *
 * @throws {Error} With a code: `TIMEOUT`, `UNREACHABLE` or `TOO_LARGE`.
 */
export async function fetchBounded(
  { url, init, milliseconds, maxBytes, fetch: send = fetch }: BoundedRequest,
  isRead: (status: number) => boolean,
): Promise<BoundedAnswer> {
  const controller = new AbortController();
  const { signal } = controller;
  // A function that an application gives may not heed the signal, so the time is raced.
  const isLate = new Promise<never>((_, reject) => {
    signal.onabort = () => reject(signal.reason);
  });
  const timer = setTimeout(() => controller.abort(), milliseconds);
  const ask = async (): Promise<BoundedAnswer> => {
    // Not "error", which workerd does not have.
    const response = await send(url, { ...init, redirect: "manual", signal });
    const { status, headers } = response;
    if (isRead(status)) return { status, headers, body: await bytesOf(response, maxBytes) };
    return { status, headers, body: new Uint8Array(0) };
  };
  try {
    return await Promise.race([isLate, ask()]);
  } catch (error) {
    if (error instanceof Error && (error as { code?: unknown }).code === "TOO_LARGE") throw error;
    throw signal.aborted
      ? failure("The service did not answer in time.", "TIMEOUT")
      : failure("The service could not be reached.", "UNREACHABLE");
  } finally {
    clearTimeout(timer);
    // Ends the connection of an answer that was not read to its end.
    controller.abort();
  }
}

async function bytesOf(response: Response, maxBytes: number): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) return joinBytes(...parts);
    size += part.value.length;
    if (size > maxBytes) {
      throw failure("The service answered with too much.", "TOO_LARGE");
    }
    parts.push(part.value);
  }
}

/**
 * The URL of a service: https, or http on loopback.
 *
 * @throws {OptionError}
 */
export function parseService(url: string, option: string = "url"): string {
  requireOption(typeof url === "string" && URL.canParse(url), url, "an https URL", option);
  const parsed = new URL(url);
  const { username, password, href } = parsed;
  if (!isServiceUrl(parsed)) {
    throw new OptionError("it must be an https URL, or http on loopback.", option);
  }
  // fetch refuses such a URL, and quotes it.
  if (username || password) throw new OptionError("it must contain no user and password.", option);
  return href;
}

/** @throws {OptionError} */
export function requireTimeout(milliseconds: number): void {
  const isWithin = Number.isInteger(milliseconds) && milliseconds >= 100 && milliseconds <= 30_000;
  requireOption(isWithin, milliseconds, "a whole number from 100 to 30000", "timeoutMilliseconds");
}
