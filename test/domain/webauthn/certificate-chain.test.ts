import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Bytes, randomBytes, toHex, utf8 } from "../../../src/crypto/bytes.ts";
import { parseTrustAnchors } from "../../../src/domain/webauthn/attestation.ts";
import { parseCertificate } from "../../../src/domain/webauthn/certificate.ts";
import { generateTestKey, register } from "./authenticator.ts";
import { authorityName, extension, issueCertificate, type TestCertificate, testTime } from "./certificates.ts";
import { der, flipBit, hex, join, sequence } from "./encode.ts";
import { fidoU2f, packed } from "./statements.ts";
import { verifyRegistration } from "./verify-registration.ts";

const aaguid = randomBytes(16);
const aaguidText = toHex(aaguid).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

async function isTrusted(
  chain: readonly [TestCertificate, ...TestCertificate[]],
  anchors: readonly (TestCertificate | { certificate: Bytes; aaguids: string[] })[],
  at: Date = testTime,
): Promise<boolean> {
  const [leaf, ...others] = chain;
  const list = anchors.map((anchor) => ("der" in anchor ? { certificate: anchor.der } : anchor));
  const trust = { anchors: parseTrustAnchors(list), at };
  const statement = packed(
    leaf,
    others.map((other) => other.der),
  );
  const input = await register({ format: "packed", aaguid, statement, policy: { trust } });
  const result = await verifyRegistration(input);
  if (!result.ok) {
    expect(result).toEqual({ ok: false, reason: "attestation_untrusted", check: "attestation_trust" });
    return false;
  }
  expect(result).toMatchObject({ aaguid: aaguidText, attestation: { type: "certificate", trusted: true } });
  return true;
}

let root: TestCertificate;
let middle: TestCertificate;
let leaf: TestCertificate;
let direct: TestCertificate;

beforeAll(async () => {
  root = await issueCertificate({ subject: authorityName("Root"), authority: true });
  middle = await issueCertificate({ subject: authorityName("Middle"), authority: true, issuer: root, pathLength: 0 });
  leaf = await issueCertificate({ issuer: middle });
  direct = await issueCertificate({ issuer: root });
});

describe("step 24: chains that lead to an anchor", () => {
  test("a leaf that the anchor issued", async () => expect(await isTrusted([direct], [root])).toBe(true));
  test("a leaf and an intermediate", async () => expect(await isTrusted([leaf, middle], [root])).toBe(true));
  test("the intermediate as the anchor", async () => expect(await isTrusted([leaf], [middle])).toBe(true));
  test("the intermediate as the anchor, also sent", async () =>
    expect(await isTrusted([leaf, middle], [middle])).toBe(true));
  test("the root also sent", async () => expect(await isTrusted([leaf, middle, root], [root])).toBe(true));
  test("the leaf itself as the anchor", async () => expect(await isTrusted([leaf], [leaf])).toBe(true));
  test("the second of two anchors", async () => expect(await isTrusted([direct], [middle, root])).toBe(true));
  test("an anchor for this model", async () =>
    expect(await isTrusted([direct], [{ certificate: root.der, aaguids: [aaguidText] }])).toBe(true));
  test("an authority without a key usage", async () => {
    const plain = await issueCertificate({ subject: authorityName("Plain"), authority: true, keyUsage: undefined });
    expect(await isTrusted([await issueCertificate({ issuer: plain })], [plain])).toBe(true);
  });
});

describe("steps 23 and 24: chains that lead to no anchor", () => {
  test("no anchor", async () => expect(await isTrusted([direct], [])).toBe(false));
  test("another anchor", async () =>
    expect(await isTrusted([direct], [await issueCertificate({ authority: true })])).toBe(false));

  test("GHSA-6hxq-p678-4hr2: a self-signed root by the sender in the chain", async () => {
    const own = await issueCertificate({ subject: authorityName("Own"), authority: true });
    expect(await isTrusted([await issueCertificate({ issuer: own }), own], [root])).toBe(false);
    expect(await isTrusted([await issueCertificate({ issuer: own }), own, root], [root])).toBe(false);
  });

  test("a root by the sender with the anchor's name", async () => {
    const own = await issueCertificate({ subject: root.subject, authority: true });
    expect(await isTrusted([await issueCertificate({ issuer: own }), own], [root])).toBe(false);
    expect(await isTrusted([await issueCertificate({ issuer: own })], [root])).toBe(false);
  });

  test("an anchor for other models", async () =>
    expect(
      await isTrusted([direct], [{ certificate: root.der, aaguids: ["00000000-0000-0000-0000-000000000000"] }]),
    ).toBe(false));

  test("a missing intermediate", async () => expect(await isTrusted([leaf], [root])).toBe(false));
  test("another intermediate", async () => {
    const other = await issueCertificate({ subject: authorityName("Middle"), authority: true, issuer: root });
    expect(await isTrusted([leaf, other], [root])).toBe(false);
  });
  test("the wrong order", async () => expect(await isTrusted([leaf, root, middle], [root])).toBe(false));
  test("another leaf between", async () => expect(await isTrusted([leaf, direct, middle], [root])).toBe(false));

  test("the issuer's name but another key", async () => {
    const forged = await issueCertificate({ issuer: { subject: root.subject, key: await generateTestKey() } });
    expect(await isTrusted([forged], [root])).toBe(false);
  });
  test("the issuer's key but another name", async () => {
    const renamed = await issueCertificate({ issuer: { subject: authorityName("Toor"), key: root.key } });
    expect(await isTrusted([renamed], [root])).toBe(false);
  });
  test("a changed signature", async () => {
    const changed = await issueCertificate({ issuer: root, signature: (signature) => flipBit(signature, 20) });
    expect(await isTrusted([changed], [root])).toBe(false);
  });

  test.each([
    { case: "expired", validity: { notAfter: "20260531235959Z" } },
    { case: "not yet valid", validity: { notBefore: "20260601000001Z" } },
  ])("$case: the leaf, the intermediate, the anchor", async ({ validity }) => {
    expect(await isTrusted([await issueCertificate({ issuer: root, ...validity })], [root])).toBe(false);
    const oldMiddle = await issueCertificate({
      subject: authorityName("M"),
      authority: true,
      issuer: root,
      ...validity,
    });
    expect(await isTrusted([await issueCertificate({ issuer: oldMiddle }), oldMiddle], [root])).toBe(false);
    const oldRoot = await issueCertificate({ subject: authorityName("R"), authority: true, ...validity });
    expect(await isTrusted([await issueCertificate({ issuer: oldRoot })], [oldRoot])).toBe(false);
  });

  test("valid to the second, at both ends", async () => {
    const validity = { notBefore: "20260601000000Z", notAfter: "20260601000000Z" };
    expect(await isTrusted([await issueCertificate({ issuer: root, ...validity })], [root])).toBe(true);
  });

  test.each([
    { case: "not an authority", change: { authority: false } },
    { case: "no basic constraints", change: { authority: undefined } },
    { case: "version 1", change: { version: 1 } },
    { case: "a key usage without certificate signing", change: { authority: true, keyUsage: hex("03020780") } },
    {
      case: "an extension that is critical and unknown",
      change: { authority: true, extensions: [extension("1.2.3.4", hex("0500"), true)] },
    },
    {
      case: "name constraints, which are not evaluated",
      change: { authority: true, extensions: [extension("2.5.29.30", hex("3000"), true)] },
    },
  ] as const)("one between with $case", async ({ change }) => {
    const other = await issueCertificate({ subject: authorityName("M"), issuer: root, ...change });
    expect(await isTrusted([await issueCertificate({ issuer: other }), other], [root])).toBe(false);
    expect(await isTrusted([await issueCertificate({ issuer: other })], [other])).toBe(false);
  });

  test("a path longer than an authority allows", async () => {
    const lower = await issueCertificate({ subject: authorityName("Lower"), authority: true, issuer: middle });
    expect(await isTrusted([await issueCertificate({ issuer: lower }), lower, middle], [root])).toBe(false);
    const strict = await issueCertificate({ subject: authorityName("Strict"), authority: true, pathLength: 0 });
    const under = await issueCertificate({ subject: authorityName("Under"), authority: true, issuer: strict });
    expect(await isTrusted([await issueCertificate({ issuer: under }), under], [strict])).toBe(false);
    expect(await isTrusted([await issueCertificate({ issuer: strict })], [strict])).toBe(true);
  });

  test("an extension that is unknown and not critical does no harm", async () => {
    const extensions = [extension("1.2.3.4", hex("0500"))];
    expect(await isTrusted([await issueCertificate({ issuer: root, extensions })], [root])).toBe(true);
  });
});

test("U2F attestation only claims its model: the model's anchor does not count", async () => {
  const statement = fidoU2f(direct);
  for (const { aaguids, expected } of [
    { aaguids: [aaguidText], expected: { ok: false, check: "attestation_trust" } },
    { aaguids: undefined, expected: { ok: true, aaguid: null, attestation: { trusted: true } } },
  ]) {
    const anchors = parseTrustAnchors([{ certificate: root.der, ...(aaguids && { aaguids }) }]);
    const input = await register({
      format: "fido-u2f",
      aaguid,
      statement,
      policy: { trust: { anchors, at: testTime } },
    });
    expect(await verifyRegistration(input)).toMatchObject(expected);
  }
});

test("revocation list address in a certificate: never requested", async () => {
  const fetched = vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("offline"));
  const url = der(0x86, utf8("http://169.254.169.254/"));
  const distribution = extension("2.5.29.31", sequence(sequence(der(0xa0, der(0xa0, url)))));
  const own = await issueCertificate({ subject: authorityName("Own"), authority: true, extensions: [distribution] });
  const asked = await issueCertificate({ issuer: own, extensions: [distribution] });
  expect([await isTrusted([asked, own], [root]), await isTrusted([asked, own], [own])]).toEqual([false, true]);
  expect(fetched).not.toHaveBeenCalled();
  fetched.mockRestore();
});

describe("trust anchors", () => {
  test.each([
    { case: "no certificate", make: () => ({ certificate: hex("3000") }) },
    { case: "PEM", make: () => ({ certificate: utf8("-----BEGIN CERTIFICATE-----") }) },
    { case: "two certificates", make: () => ({ certificate: join(root.der, root.der) }) },
    {
      case: "an AAGUID in upper case",
      make: () => ({ certificate: root.der, aaguids: [aaguidText.toUpperCase().replace(/^./, "A")] }),
    },
    { case: "an AAGUID in hex", make: () => ({ certificate: root.der, aaguids: [toHex(aaguid)] }) },
  ])("$case: refused at start-up", ({ make }) => {
    expect(() => parseTrustAnchors([make()])).toThrow(TypeError);
  });
});

describe("certificates, byte for byte", () => {
  test("cut short anywhere, or with a byte after it: refused", () => {
    for (let length = 0; length < leaf.der.length; length++)
      expect(parseCertificate(leaf.der.slice(0, length)), `${length}`).toBeUndefined();
    expect(parseCertificate(join(leaf.der, hex("00")))).toBeUndefined();
  });

  test("any bit turned over: never an exception, and never trusted", async () => {
    for (let at = 0; at < leaf.der.length; at++) {
      const changed: Bytes = flipBit(direct.der, Math.min(at, direct.der.length - 1), at % 8);
      const input = await register({
        format: "packed",
        statement: packed({ ...direct, der: changed }),
        policy: { trust: { anchors: parseTrustAnchors([{ certificate: root.der }]), at: testTime } },
      });
      expect((await verifyRegistration(input)).ok, `${at}`).toBe(false);
    }
  });

  test("an outer algorithm that differs from the inner one: refused", async () => {
    const other = await issueCertificate({ issuer: root, innerAlgorithm: "1.2.840.10045.4.3.3" });
    expect(parseCertificate(other.der)).toBeUndefined();
  });

  test.each([
    "2026060100000Z",
    "20260601000000",
    "20260601000000+0000",
    "20261301000000Z",
    "20260601000000.5Z",
    "\u0660".repeat(14),
  ])("certificate time %s: refused", async (notAfter) => {
    expect(parseCertificate((await issueCertificate({ notAfter })).der)).toBeUndefined();
  });
});
