import { type Bytes, constantTimeEqual } from "../../crypto/bytes.ts";
import { arePublicKeysEqual } from "../../crypto/public-key.ts";
import {
  type AttestationEvidence,
  type AttestedRegistration,
  hasMembers,
  isStatementSignature,
  readChain,
} from "./attestation-statement.ts";
import { type DerElement, derTags, derUnsigned, readDer, readDerElements, readDerSequence } from "./der.ts";

/** Context tags of AuthorizationList, constructed: Android, Key and ID attestation, schema. */
const authorizationTags = { purpose: 0xa1, allApplications: 0xbf + 600 * 256, origin: 0xbf + 702 * 256 } as const;

const purposeSign = 2;
const originGenerated = 0;

/** Android Key attestation: WebAuthn L3 §8.4. */
export async function verifyAndroidKeyStatement(
  registration: AttestedRegistration,
): Promise<AttestationEvidence | undefined> {
  const { statement, signed, key, clientDataHash } = registration;
  const chain = hasMembers(statement, ["alg", "sig", "x5c"]) ? readChain(statement) : undefined;
  const leaf = chain?.[0];
  if (!leaf?.publicKey || !arePublicKeysEqual(leaf.publicKey, key.publicKey)) return undefined;
  if (!isForThisRegistration(leaf.extensions.get("1.3.6.1.4.1.11129.2.1.17")?.value, clientDataHash)) return undefined;
  const isSigned = await isStatementSignature(statement, leaf.publicKey, signed);
  return isSigned ? { type: "certificate", chain: chain ?? [], coversAaguid: true } : undefined;
}

/**
 * §8.4.1: the challenge is ours, the key belongs to one application, was made in the keystore, and signs.
 *
 * Accepts a list that leaves out origin and purpose, as in W3C's test vector; refuses a list that names others.
 */
function isForThisRegistration(keyDescription: Bytes | undefined, clientDataHash: Bytes): boolean {
  const fields = keyDescription && readDerSequence(keyDescription);
  const challenge = fields?.[4];
  const lists = fields?.slice(6, 8).map(({ encoded }) => readDerSequence(encoded)) ?? [];
  if (challenge?.tag !== derTags.octetString || !constantTimeEqual(challenge.content, clientDataHash)) return false;
  if (lists.length !== 2 || lists.includes(undefined)) return false;

  const authorizations = lists.flatMap((list) => list ?? []);
  const named = (tag: number) => authorizations.filter((authorization) => authorization.tag === tag);
  return (
    named(authorizationTags.allApplications).length === 0 &&
    named(authorizationTags.origin).every(({ content }) => isInteger(readDerElements(content)?.[0], originGenerated)) &&
    named(authorizationTags.purpose).every(({ content }) =>
      readDerElements(readDer(content, derTags.set)?.content ?? new Uint8Array())?.some((purpose) =>
        isInteger(purpose, purposeSign),
      ),
    )
  );
}

function isInteger(element: DerElement | undefined, value: number): boolean {
  const bytes = element && derUnsigned(element);
  return bytes?.length === 1 && bytes[0] === value;
}
