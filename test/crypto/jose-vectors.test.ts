import { describe, expect, test } from "vitest";
import { fromBase64Url, utf8 } from "../../src/crypto/bytes.ts";
import { findVerificationKey, parseJwkSet } from "../../src/crypto/jwk.ts";
import { parseJws } from "../../src/crypto/jws.ts";
import { ed25519PublicKey, rsaPublicKey, verifySignature } from "../../src/crypto/public-key.ts";
import { hasShared, sharedJson, sharedPaths, sharedText } from "../support/shared.ts";
import { isAccepted } from "../support/tokens/signer.ts";

type Jwk = Record<string, unknown>;
const folder = "vectors/jose/rfc7515-7517";
const publicPart = ({ kty, crv, x, y, n, e, kid }: Jwk): Jwk => ({ kty, crv, x, y, n, e, kid });

test("RFC 8037 A.4: the signature verifies, and not for another text", async () => {
  const key = ed25519PublicKey(fromBase64Url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")!)!;
  const data = utf8("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
  const signature = fromBase64Url(
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
  )!;
  expect(await verifySignature({ key, hash: "SHA-512", signature, data })).toBe(true);
  expect(await verifySignature({ key, hash: "SHA-512", signature, data: data.slice(1) })).toBe(false);
});

if (hasShared) {
  describe("RFC 7515 appendix A", () => {
    const read = async (example: string) => ({
      token: (await sharedText(`${folder}/rfc7515_${example}.jwsc`)).trim(),
      jwk: await sharedJson<Jwk>(`${folder}/rfc7515_${example}.jwk`),
    });

    test.each([
      ["A.2", "RS256"],
      ["A.3", "ES256"],
    ])("%s: %s is accepted with the public key, and refused if the set has the private key", async (example, alg) => {
      const { token, jwk } = await read(example);
      expect(parseJws(token)).toMatchObject({ algorithm: alg });
      expect(parseJws(token)!.claims.get("iss")).toBe("joe");
      expect(await isAccepted(token, { keys: [publicPart(jwk)] })).toBe(true);
      expect(await isAccepted(token, { keys: [jwk] })).toBe(false);
    });

    test.each(["A.1", "A.4"])("%s: HS256 and ES512 are refused", async (example) => {
      const { token, jwk } = await read(example);
      expect(await isAccepted(token, { keys: [jwk] })).toBe(false);
    });

    test("A.5: an unsecured token is refused", async () => {
      expect(parseJws((await sharedText(`${folder}/rfc7515_A.5.jwsc`)).trim())).toBeUndefined();
    });
  });

  test("RFC 7517 A.1: the key for signatures verifies, the key for encryption and the symmetric keys do not", async () => {
    const find = async (file: string, algorithm: "ES256" | "RS256", keyId: string) =>
      findVerificationKey(parseJwkSet(await sharedJson(`${folder}/${file}`))!, { algorithm, keyId });
    expect(await find("rfc7517_A.1.jwkset", "RS256", "2011-04-29")).toBeDefined();
    expect(await find("rfc7517_A.1.jwkset", "ES256", "1")).toBeUndefined();
    expect(await find("rfc7517_A.2.jwkset", "RS256", "2011-04-29")).toBeUndefined();
  });

  describe("RFC 7520", () => {
    interface Example {
      readonly input: { readonly key: Jwk; readonly payload?: string };
      readonly signing: { readonly "sig-input": string; readonly sig?: string };
      readonly output: { readonly compact: string };
    }
    const key = ({ n, e }: Jwk) => rsaPublicKey(fromBase64Url(String(n))!, fromBase64Url(String(e))!);
    const rows = [
      ["jws/4_1.rsa_v15_signature.json", { hash: "SHA-256", rsaScheme: "RSASSA-PKCS1-v1_5" }],
      ["jws/4_2.rsa-pss_signature.json", { hash: "SHA-384", rsaScheme: "RSA-PSS" }],
    ] as const;

    test.each(rows)("%s: the signature verifies, and not for another text", async (file, scheme) => {
      const { input, output } = await sharedJson<Example>(`vectors/jose/rfc7520-cookbook/${file}`);
      const at = output.compact.lastIndexOf(".");
      const signature = fromBase64Url(output.compact.slice(at + 1))!;
      const data = utf8(output.compact.slice(0, at));
      expect(await verifySignature({ key: key(input.key)!, ...scheme, signature, data })).toBe(true);
      expect(await verifySignature({ key: key(input.key)!, ...scheme, signature, data: data.slice(1) })).toBe(false);
    });

    test("a payload that is no JSON object is no token of ours", async () => {
      const paths = sharedPaths("vectors/jose/rfc7520-cookbook/jws/");
      expect(paths.length).toBeGreaterThan(5);
      for (const path of paths) {
        const { output } = await sharedJson<Example>(path);
        if (output.compact) expect(parseJws(output.compact)).toBeUndefined();
      }
    });
  });
}
