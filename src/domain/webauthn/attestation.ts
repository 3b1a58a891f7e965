/**
 * Attestation: verifying what an authenticator says about itself, WebAuthn L3 §7.1 steps 21 to 24.
 *
 * Statements are verified here, without the network, the machine's clock or a built-in list of authorities: the caller says
 * what is trusted, and at what time. Formats left out: `android-safetynet`, which L3 removed, and `compound`.
 *
 * @module
 */

import type { Bytes } from "../../crypto/bytes.ts";
import { OptionError } from "../../crypto/option-error.ts";
import { verifyAndroidKeyStatement } from "./attestation-android-key.ts";
import { verifyAppleStatement } from "./attestation-apple.ts";
import { verifyFidoU2fStatement } from "./attestation-fido-u2f.ts";
import { verifyPackedStatement } from "./attestation-packed.ts";
import type { AttestationEvidence, AttestedRegistration, StatementVerifier } from "./attestation-statement.ts";
import { verifyTpmStatement } from "./attestation-tpm.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { leadsToAnchor } from "./certificate-chain.ts";
import { refuseCeremony } from "./refusal.ts";
import { type AttestationVerifier, formatAaguid } from "./registration.ts";

export type AttestationFormat = "none" | "packed" | "tpm" | "android-key" | "fido-u2f" | "apple";

/** Step 21: upper and lower case differ (§8.1). */
const formats: ReadonlyMap<AttestationFormat, StatementVerifier> = new Map([
  ["none", verifyNoneStatement],
  ["packed", verifyPackedStatement],
  ["tpm", verifyTpmStatement],
  ["android-key", verifyAndroidKeyStatement],
  ["fido-u2f", verifyFidoU2fStatement],
  ["apple", verifyAppleStatement],
]);

/** A certificate that vouches for authenticators; {@link parseTrustAnchors} makes one. */
export interface TrustAnchor {
  readonly certificate: Certificate;
  /** The models that it may vouch for; all of them by default. */
  readonly aaguids?: readonly string[];
}

/** The authorities to trust for the model of an authenticator. */
export interface AttestationTrust {
  readonly anchors: readonly TrustAnchor[];
  /** The time at which the certificates must be valid. */
  readonly at: Date;
  /**
   * Whether to refuse or accept attestation that leads to no anchor, including self attestation and none. Default `refused`.
   */
  readonly untrusted?: "refused" | "accepted";
}

export interface AttestationPolicy {
  /** Default all. */
  readonly formats?: readonly AttestationFormat[];
  /** Default: no maker is trusted, and no AAGUID has an effect. */
  readonly trust?: AttestationTrust;
}

/** The options of {@link attestation}: the makers to trust for the model of an authenticator. */
export interface AttestationOptions {
  /** Certificates of makers, in DER; each for the named models, as UUIDs, or for all. At least one. */
  readonly anchors: readonly { readonly certificate: Bytes; readonly aaguids?: readonly string[] }[];
  /** Whether to refuse or accept an authenticator whose certificates lead to no anchor. Default `refused`. */
  readonly untrusted?: "refused" | "accepted";
}

/** The option `attestation` of `passkeys`, made by {@link attestation}. */
export interface Attestation {
  /**
   * Reads the options.
   *
   * @throws {TypeError} If the options cannot be used.
   */
  readonly read: () => { readonly verifierAt: (at: Date) => AttestationVerifier };
}

/**
 * Requests attestation from authenticators and verifies it with the makers' certificates. It is a separate function, so that
 * only applications that use it contain the code for statements and certificates.
 */
export function attestation({ anchors, untrusted = "refused" }: AttestationOptions): Attestation {
  return {
    read: () => {
      if (anchors.length === 0) throw new OptionError("`anchors` is empty, and must name at least one certificate.");
      const trusted = parseTrustAnchors(anchors);
      return { verifierAt: (at) => attestationVerifier({ trust: { anchors: trusted, at, untrusted } }) };
    },
  };
}

/** Verifies statements by a policy. Runs without trust too, so that a record never holds a false claim. */
export function attestationVerifier({ formats: accepted, trust }: AttestationPolicy = {}): AttestationVerifier {
  return async ({ format: named, ...attested }) => {
    const format = named as AttestationFormat;
    const verifyStatement = formats.get(format);
    const isAccepted = accepted?.includes(format) ?? true;
    if (!verifyStatement || !isAccepted) return refuseCeremony("attestation_format");
    const evidence = await verifyStatement(attested);
    if (!evidence) return refuseCeremony("attestation_statement");

    // Steps 23 and 24.
    const aaguid = formatAaguid(attested.data.attested.aaguid);
    const trusted = trust !== undefined && (await isTrusted(evidence, aaguid, trust));
    if (trust && !trusted && trust.untrusted !== "accepted") return refuseCeremony("attestation_trust");
    return {
      ok: true,
      aaguid: trusted && evidence.coversAaguid ? aaguid : null,
      attestation: { format, type: evidence.type, trusted },
    };
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Parses the anchors of a configuration, once, at start-up.
 *
 * @param list.certificate DER, as FIDO metadata or a manufacturer publishes it.
 * @param list.aaguids UUIDs in lower case.
 * @throws {TypeError} For anything else.
 */
export function parseTrustAnchors(
  list: readonly { readonly certificate: Bytes; readonly aaguids?: readonly string[] }[],
): readonly TrustAnchor[] {
  return list.map(({ certificate: encoded, aaguids }) => {
    const certificate = parseCertificate(encoded);
    if (!certificate) throw new OptionError("an anchor must be one X.509 certificate in DER.");
    if (aaguids?.some((aaguid) => !uuid.test(aaguid))) throw new OptionError("an AAGUID must be a UUID in lower case.");
    return { certificate, ...(aaguids && { aaguids }) };
  });
}

/** §8.7. */
async function verifyNoneStatement({ statement }: AttestedRegistration): Promise<AttestationEvidence | undefined> {
  return statement.size === 0 ? { type: "none", chain: [], coversAaguid: false } : undefined;
}

/** A model that is only claimed does not match an anchor that is limited to some models. */
async function isTrusted(
  { type, chain, coversAaguid }: AttestationEvidence,
  aaguid: string,
  { anchors, at }: AttestationTrust,
): Promise<boolean> {
  const forModel = anchors.filter(({ aaguids }) => !aaguids || (coversAaguid && aaguids.includes(aaguid)));
  const certificates = forModel.map(({ certificate }) => certificate);
  return type === "certificate" && (await leadsToAnchor(chain, certificates, at));
}
