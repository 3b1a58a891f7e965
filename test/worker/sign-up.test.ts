/** Who may sign up at the server to deploy, and what its log says. @module */
import { describe, expect, test } from "vitest";
import { ConfigurationError } from "../../src/index.ts";
import { chosenSignUp } from "../../worker/sign-up.ts";

const EMAIL = { send: async () => ({ messageId: "1" }) };

describe("the mode of sign-up, and why", () => {
  test.each([
    { bindings: {}, mode: "invited", why: "because there is no EMAIL and SIGN_UP is not set" },
    { bindings: { EMAIL }, mode: "verify-first", why: "because EMAIL sends mail and SIGN_UP is not set" },
    { bindings: { EMAIL, SIGN_UP: "closed" }, mode: "closed", why: "because SIGN_UP says so" },
    { bindings: { EMAIL, SIGN_UP: "invited" }, mode: "invited", why: "because SIGN_UP says so" },
    { bindings: { SIGN_UP: "verify-first" }, mode: "verify-first", why: "because SIGN_UP says so" },
  ])("$mode, $why", ({ bindings, mode, why }) => {
    expect(chosenSignUp(bindings)).toEqual({ mode, why });
  });

  test.each(["open", "", "Closed", "everybody"])(
    "SIGN_UP = %j: no mode, and a fault that names the variable",
    (SIGN_UP) => {
      expect(() => chosenSignUp({ EMAIL, SIGN_UP })).toThrow(ConfigurationError);
    },
  );
});
