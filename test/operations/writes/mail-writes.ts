import { expect } from "vitest";
import { freshIdentifier, otherPassword, type Person, system, type World } from "../../support/auth.ts";
import { addApp } from "../../support/factors.ts";
import { type Mailed, mailed, noticeTo, recoveryOf, withNewAddress, withVerifiedAddress } from "../../support/links.ts";
import { context, opens, type Write } from "./write.ts";

const invalid = "unauthorized.invalid_link";
const verified = async (world: World, person: Person) => await withVerifiedAddress(world, person);
const isMailed: NonNullable<Write["check"]> = async (world, result: { requestToken: string }, { identifier }) => {
  const before = world.mailbox.messages.length;
  await world.auth.mail.deliver();
  expect(world.mailbox.messages.slice(before).filter(({ to }) => to === identifier)).toHaveLength(1);
  const code = world.mailbox.codeTo(identifier);
  expect(await world.auth.mailedCodes.exchange({ ...result, code })).toHaveProperty("token");
};
const forSignUp = async (world: World) => {
  const identifier = freshIdentifier();
  return { identifier, ...(await mailed(world, "signUp", identifier)) };
};

/** Acts with a mailed link or code, without a session. */
export const mailWrites: readonly Write[] = [
  {
    name: "passwordReset.request",
    action: "identity.password.request_reset",
    requests: 1,
    act: (auth, { identifier }) => auth.passwordReset.request({ identifier, context: context() }),
    repeated: "done",
    check: isMailed,
  },
  {
    name: "passwordReset.confirm",
    action: "identity.password.reset",
    requests: 2,
    prepare: async (world, person) => await mailed(world, "reset", (await verified(world, person)).identifier),
    act: (auth, _person, { token }: Mailed) =>
      auth.passwordReset.confirm({ token, password: otherPassword, context: context() }),
    repeated: invalid,
    check: async ({ auth }, _result, { identifier }) => {
      const proof = { identifier, password: otherPassword, context: context() };
      expect((await auth.verifyPassword(proof)).mfaRequired).toBe(false);
    },
  },
  {
    name: "mailedSignIn.request",
    action: "identity.sign_in.request_link",
    requests: 1,
    prepare: verified,
    act: (auth, { identifier }) => auth.mailedSignIn.request({ identifier, context: context() }),
    repeated: "done",
    check: isMailed,
  },
  {
    name: "mailedSignIn.confirm",
    action: "identity.sign_in",
    requests: 1,
    prepare: async (world, person) => await mailed(world, "signIn", (await verified(world, person)).identifier),
    act: (auth, _person, { token }: Mailed) => auth.mailedSignIn.confirm({ token, context: context() }),
    repeated: invalid,
    check: opens,
  },
  {
    name: "mailedSignUp.request",
    action: "identity.sign_up.request",
    requests: 1,
    prepare: async () => freshIdentifier(),
    act: (auth, _person, identifier: string) => auth.mailedSignUp.request({ identifier, context: context() }),
    repeated: "done",
    check: async (world) => {
      const before = world.mailbox.messages.length;
      await world.auth.mail.deliver();
      const sent = world.mailbox.messages.slice(before).filter(({ subject }) => subject.startsWith("Finish"));
      expect(sent).toHaveLength(1);
    },
  },
  {
    name: "mailedSignUp.confirm",
    action: "identity.sign_up",
    requests: 2,
    prepare: forSignUp,
    act: (auth, _person, { token }: Mailed) =>
      auth.mailedSignUp.confirm({ token, password: otherPassword, context: context() }),
    repeated: invalid,
    check: opens,
  },
  {
    name: "mailedCodes.exchange",
    action: "identity.mailed_code.exchange",
    requests: 1,
    prepare: forSignUp,
    act: (auth, _person, { requestToken, code }: Mailed) =>
      auth.mailedCodes.exchange({ requestToken, code, context: context() }),
    repeated: invalid,
    check: async (world, { token }: { token: string }) => {
      const made = await world.auth.mailedSignUp.confirm({ token, password: otherPassword, context: context() });
      expect(made.user.status).toBe("active");
    },
  },
  {
    name: "recovery.start",
    action: "identity.recovery.start",
    requests: 1,
    prepare: async () => freshIdentifier(),
    act: (auth, { userId }, identifier: string) => auth.recovery.start({ actor: system, userId, identifier }),
    repeated: "done",
    check: async (world, _result, { identifier }) => {
      const before = world.mailbox.messages.length;
      await world.auth.mail.deliver();
      expect(world.mailbox.messages.slice(before).filter(({ to }) => to === identifier)).toHaveLength(1);
    },
  },
  {
    name: "recovery.cancel",
    action: "identity.recovery.cancel",
    requests: 1,
    prepare: async (world, person) => (await recoveryOf(world, person)).stop,
    act: (auth, _person, token: string) => auth.recovery.cancel({ token, context: context() }),
    repeated: invalid,
  },
  {
    name: "recovery.finish",
    action: "identity.recovery.finish",
    requests: 2,
    prepare: recoveryOf,
    act: (auth, _person, { token }: { token: string }) =>
      auth.recovery.finish({ token, password: otherPassword, context: context() }),
    repeated: invalid,
    check: async ({ auth }, { identifier }: { identifier: string }) => {
      const proof = { identifier, password: otherPassword, context: context() };
      expect((await auth.verifyPassword(proof)).mfaRequired).toBe(false);
    },
  },
  {
    name: "notices.disown, with a code",
    action: "identity.notice.disown",
    requests: 2,
    prepare: async (world, one) => {
      const { app, person } = await addApp(world, await verified(world, one));
      const { back } = await withNewAddress(world, person);
      return { token: back, proof: { type: "totp", code: await app.code() } as const };
    },
    act: (auth, _person, link: { token: string; proof: { type: "totp"; code: string } }) =>
      auth.notices.disown({ ...link, context: context() }),
    repeated: invalid,
    check: async (_world, result: { identifier: string }, { identifier }) => expect(result).toEqual({ identifier }),
  },
  {
    name: "notices.disown",
    action: "identity.notice.disown",
    requests: 1,
    prepare: noticeTo,
    act: (auth, _person, token: string) => auth.notices.disown({ token, context: context() }),
    repeated: invalid,
    check: async (world, result: { identifier: string }, { identifier }) => {
      expect(result).toEqual({ identifier });
      await world.auth.mail.deliver();
      expect(world.mailbox.newestTo(identifier).text).toContain("/reset?token=");
    },
  },
];
