import { requireOption } from "../domain/option-error.ts";
import { fetchBounded, parseService, requireTimeout } from "../net/bounded-fetch.ts";
import { readAnswer } from "./json-answer.ts";
import { ResolverError, type ResolverErrorCode, type TxtResolver } from "./txt-resolver.ts";

/** The options of {@link dnsOverHttps}. */
export interface DnsOverHttpsOptions {
  /** The resolver's JSON endpoint. Default `https://cloudflare-dns.com/dns-query`. Google's is `https://dns.google/resolve`. */
  readonly url?: string;
  /** How long the resolver may take to answer, 100 to 30000. Default 5000. */
  readonly timeoutMilliseconds?: number;
  /** Makes the requests. Default: the runtime's `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** A DNS message has at most 65,535 bytes (RFC 8484 §6). Real TXT records have a few hundred. */
const maxBytes = 65_536;

/** Labels of names in use, which may begin with an underscore (RFC 8552). The last is all digits in an IPv4 address alone. */
const nameForm = /^(?=.{1,253}$)(?!.*(^|\.)\d+$)[a-z\d_]([-\w]{0,61}\w)?(\.[a-z\d_]([-\w]{0,61}\w)?)*$/i;

/**
 * A resolver that asks DNS over HTTPS, in the JSON form of Cloudflare and Google, and needs no sockets.
 *
 * The resolver validates DNSSEC where a domain has it, and is trusted for the rest. Redirects are not followed. Rejects with a
 * {@link ResolverError} if the answer is late, larger than 64 KiB, not JSON, or a failure.
 *
 * @throws {TypeError} If an option is wrong. The resolver rejects with one for a name that is not a domain name in ASCII.
 */
export function dnsOverHttps(options: DnsOverHttpsOptions = {}): TxtResolver {
  const { url = "https://cloudflare-dns.com/dns-query", timeoutMilliseconds = 5_000, fetch } = options;
  const target = parseService(url);
  requireTimeout(timeoutMilliseconds);
  requireOption(fetch === undefined || typeof fetch === "function", fetch, "a function", "fetch");

  return async (name) => {
    requireOption(typeof name === "string" && nameForm.test(name), undefined, "a domain name in ASCII", "name");
    const asked = new URL(target);
    asked.searchParams.set("name", name);
    asked.searchParams.set("type", "TXT");
    const request = {
      url: asked.href,
      init: { headers: { accept: "application/dns-json" } },
      milliseconds: timeoutMilliseconds,
      maxBytes,
      ...(fetch && { fetch }),
    };
    const answer = await fetchBounded(request, (status) => status === 200).catch((error) => {
      throw new ResolverError((error as { code: ResolverErrorCode }).code, { cause: error });
    });
    if (answer.status !== 200) throw new ResolverError(`HTTP_${answer.status}`);
    // Cloudflare's, and Google's.
    const isJson = /^application\/(dns-)?json *(;|$)/i.test(answer.headers.get("content-type") ?? "");
    if (!isJson) throw new ResolverError("MEDIA_TYPE");
    return readAnswer(new TextDecoder().decode(answer.body), name.toLowerCase());
  };
}
