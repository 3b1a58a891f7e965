/** Requests to other services, bounded in time and size. @module */
import { OptionError, requireOption } from "../domain/option-error.ts";

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
}

/**
 * The text of an answer with status 200. Redirects are not followed, because they would carry what is asked elsewhere.
 *
 * @throws {Error} With a code: `TIMEOUT`, `UNREACHABLE`, `TOO_LARGE`, or `HTTP_` and the status.
 */
export async function fetchText({ url, init, milliseconds, maxBytes }: BoundedRequest): Promise<string> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), milliseconds);
  const { signal } = controller;
  try {
    // Not "error", which workerd does not have.
    const response = await fetch(url, { ...init, redirect: "manual", signal });
    if (response.status !== 200) {
      controller.abort();
      throw failure(`The service answered ${response.status}.`, `HTTP_${response.status}`);
    }
    return await textOf(response, maxBytes);
  } catch (error) {
    if (error instanceof Error && /^(HTTP_\d+|TOO_LARGE)$/.test(String((error as { code?: unknown }).code)))
      throw error;
    throw signal.aborted
      ? failure("The service did not answer in time.", "TIMEOUT")
      : failure("The service could not be reached.", "UNREACHABLE");
  } finally {
    clearTimeout(timer);
  }
}

async function textOf(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) return text + decoder.decode();
    size += part.value.length;
    if (size > maxBytes) {
      await reader?.cancel();
      throw failure("The service answered with too much.", "TOO_LARGE");
    }
    text += decoder.decode(part.value, { stream: true });
  }
}

/**
 * The URL of a service: https, or http on loopback.
 *
 * @throws {OptionError}
 */
export function parseService(url: string, option: string = "url"): string {
  requireOption(typeof url === "string" && URL.canParse(url), url, "an https URL", option);
  const { protocol, hostname, username, password, href } = new URL(url);
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1])$/.test(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback)) {
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
