import { expect, onTestFinished, test } from "vitest";
import { fromBase64Url } from "../../src/crypto/bytes.ts";
import { type KeyLabel, RootKeys } from "../../src/crypto/root-secrets.ts";
import { bearerPrefixes } from "../../src/domain/bearer.ts";
import { freshAddress, outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

/** Makes the first values of a key read as bearers of each other kind. Returns how many values the key has made. */
function beginWithOtherKinds(label: KeyLabel): () => number {
  const real = RootKeys.prototype.mac;
  const first = bearerPrefixes.map(({ prefix }) => fromBase64Url(prefix.padEnd(43, "A"))!);
  let made = 0;
  onTestFinished(() => {
    RootKeys.prototype.mac = real;
  });
  RootKeys.prototype.mac = function (asked, ...rest) {
    if (asked !== label) return real.call(this, asked, ...rest);
    made += 1;
    return first.length > 0 ? Promise.resolve(first.shift()) : real.call(this, asked, ...rest);
  };
  return () => made;
}

describeWorld(
  "S51: a derived secret that reads as a bearer of another kind is drawn again",
  { on: ["pglite"] },
  (world) => {
    test("the token of a refreshed session", async () => {
      const { token, transport } = await world.person();
      const made = beginWithOtherKinds("refresh");
      const refreshed = await world.auth.sessions.refresh({ token, transport });
      // Two are drawn again; the third is derived, and derived once more from its row.
      expect(made()).toBe(4);
      expect(await outcome(world.auth.sessions.verify({ token: refreshed.token, transport }))).toBe("done");
    });

    test("the secret of a mailed link", async () => {
      const { actor, identifier } = await world.person();
      const made = beginWithOtherKinds("mail");
      await world.auth.identifiers.requestVerification({ actor });
      await world.auth.mail.deliver();
      expect(made()).toBe(4);
      const token = world.mailbox.secretTo(identifier);
      const proof = { type: "session", actor } as const;
      const verified = world.auth.identifiers.verify({ token, proof, context: { address: freshAddress() } });
      expect(await outcome(verified)).toBe("done");
    });
  },
);
