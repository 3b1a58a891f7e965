/**
 * Records of the domain name system, and the proof that a customer controls a domain.
 *
 * @module
 */
export { type DnsOverHttpsOptions, dnsOverHttps } from "./dns-over-https.ts";
export { type DomainProof, provesDomain } from "./domain-proof.ts";
export { ResolverError, type ResolverErrorCode, type TxtResolver } from "./txt-resolver.ts";
