import { expect, test } from "vitest";
import type { UserId } from "../../src/domain/id.ts";
import { freshAddress, freshIdentifier, otherPassword, outcome, quickHasher, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { recoveryOf, withNewAddress, withVerifiedAddress } from "../support/links.ts";

const taken = "conflict.duplicate_credential";
const invalid = "unauthorized.invalid_link";

describeWorld("S40: the address that an account is given to", { on: ["pglite", "postgres"] }, (world) => {
  const context = () => ({ address: freshAddress() });
  const verified = async (identifier?: string) =>
    await withVerifiedAddress(world, await world.person(identifier === undefined ? {} : { identifier }));
  const start = (userId: UserId, identifier: string, auth = world.auth) =>
    outcome(auth.recovery.start({ actor: system, userId, identifier }));
  const finish = (token: string) =>
    outcome(world.auth.recovery.finish({ token, password: otherPassword, context: context() }));
  const disown = (token: string) => outcome(world.auth.notices.disown({ token, context: context() }));

  test("the account's own address, verified or not, in every form that means the same: refused, and nothing is sent", async () => {
    for (const person of [await verified(), await world.person()]) {
      await world.auth.mail.deliver();
      const before = world.mailbox.messages.length;
      const { userId, identifier } = person;
      for (const own of [identifier, identifier.toUpperCase(), ` ${identifier}\t`, `${identifier}.`]) {
        expect(await start(userId, own), own).toBe(taken);
      }
      await world.auth.mail.deliver();
      expect(world.mailbox.messages.slice(before).filter(({ to }) => to === identifier)).toEqual([]);
    }
  });

  test("another Unicode form of the own address: the same domain is refused, and what would be another name is malformed", async () => {
    const isolate = world.isolate({
      passwordHasher: quickHasher(),
      allowNonAsciiIdentifiers: true,
      mail: { mailer: world.mailbox },
    });
    const [name] = freshIdentifier().split("@");
    const person = await verified(`${name}@xn--bcher-kva.example`);
    for (const form of [`${name}@b\u00fccher.example`, `${name}@B\u00dcCHER.example`]) {
      expect(await start(person.userId, form, isolate), form).toBe(taken);
    }
    // Decomposed, and with letters of full width: mapped, they could be the address of another person.
    for (const form of [
      `${name}@bu\u0308cher.example`,
      `${name}\uff41@xn--bcher-kva.example`,
      `${name}\u200d@xn--bcher-kva.example`,
    ]) {
      expect(await start(person.userId, form, isolate), form).toBe("invalid_format.identifier");
    }
  });

  test("another account's address, whatever its state: refused", async () => {
    const { userId } = await verified();
    const suspended = await verified();
    await world.auth.credentials.suspend({ actor: system, credentialId: suspended.credentialId });
    const suspendedUser = await verified();
    await world.auth.users.suspend({ actor: system, userId: suspendedUser.userId });
    for (const { identifier } of [await verified(), await world.person(), suspended, suspendedUser]) {
      expect(await start(userId, identifier)).toBe(taken);
      expect(await start(userId, identifier.toUpperCase())).toBe(taken);
    }
  });

  test("the own address that was just replaced: given back, stopped by the new one alone, and the link of the old one ends", async () => {
    const person = await withNewAddress(world, await verified());
    const before = world.mailbox.messages.length;
    const { token } = await recoveryOf(world, person, system, person.before);
    const stops = world.mailbox.messages.slice(before).filter(({ text }) => text.includes("/recover/stop?token="));
    expect(stops.map(({ to }) => to)).toEqual([person.identifier]);
    expect(await finish(token)).toBe("done");
    const signIn = (identifier: string) =>
      outcome(world.auth.signIn.password({ identifier, password: otherPassword, context: context() }));
    expect(await signIn(person.before)).toBe("done");
    expect(await signIn(person.identifier)).toBe("unauthorized.invalid_credential");
    expect(await disown(person.back)).toBe(invalid);
  });

  test("an address that another account has just left: given, and no link of that account takes it away", async () => {
    const left = await withNewAddress(world, await verified());
    const { token } = await recoveryOf(world, await verified(), system, left.before);
    expect(await finish(token)).toBe("done");
    expect(await disown(left.back)).not.toBe("done");
    const signIn = { identifier: left.before, password: otherPassword, context: context() };
    expect(await outcome(world.auth.signIn.password(signIn))).toBe("done");
    expect(await outcome(world.auth.sessions.verify({ token: left.token, transport: "token" }))).toBe("done");
  });

  test("an address that its account takes back before the recovery is finished stays there", async () => {
    const left = await withNewAddress(world, await verified());
    const person = await verified();
    const { token } = await recoveryOf(world, person, system, left.before);
    expect(await disown(left.back)).toBe("done");
    expect(await finish(token)).toBe(taken);
    expect(await outcome(world.auth.sessions.verify({ token: person.token, transport: "token" }))).toBe("done");
  });
});
