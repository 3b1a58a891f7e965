import { describe, expect, test } from "vitest";
import { isIssuerAmong, issuerPattern } from "../../src/domain/identity-provider.ts";

const tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const template = "https://login.example/{tenantid}/v2.0";

describe("isIssuerAmong", () => {
  test.each([
    ["the issuer itself", ["https://a.example"], "https://a.example", true],
    ["another", ["https://a.example"], "https://b.example", false],
    ["a tenant", [template], `https://login.example/${tenant}/v2.0`, true],
    ["a tenant with a suffix", [template], `https://login.example/${tenant}/v2.0/`, false],
    ["a tenant at another host", [template], `https://evil.example/${tenant}/v2.0`, false],
    ["a name in place of a tenant", [template], "https://login.example/common/v2.0", false],
    ["the template itself", [template], template, false],
    ["no tenant", [template], "https://login.example//v2.0", false],
    ["a tenant in capital letters", [template], `https://login.example/${tenant.toUpperCase()}/v2.0`, false],
    ["two tenants", [template], `https://login.example/${tenant}/${tenant}/v2.0`, false],
    ["a tenant of an issuer without a template", ["https://a.example"], `https://a.example/${tenant}`, false],
    ["none", [], "https://a.example", false],
  ])("%s: %j with %s: %j", (_, issuers, issuer, expected) => {
    expect(isIssuerAmong(issuers, issuer)).toBe(expected);
  });
});

describe("issuerPattern", () => {
  test("`like` takes every character literally, besides the tenant", () => {
    expect(issuerPattern("https://a_b.example/100%/\\")).toBe("https://a\\_b.example/100\\%/\\\\");
    expect(issuerPattern(template)).toBe(`https://login.example/${"_".repeat(36)}/v2.0`);
  });
});
