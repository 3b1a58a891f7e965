import { freshIdentifier, otherPassword, type Person, system, type World } from "../../support/auth.ts";
import { addApp } from "../../support/factors.ts";
import { type Mailed, mailed, noticeTo, recoveryOf, withNewAddress, withVerifiedAddress } from "../../support/links.ts";
import type { Budget } from "./budget.ts";

const verified = (world: World, person: Person) => withVerifiedAddress(world, person);
const forSignUp = (world: World) => mailed(world, "signUp", freshIdentifier());

export const mailBudgets: readonly Budget[] = [
  {
    operation: "passwordReset.request",
    requests: 1,
    act: (auth, { identifier }) => auth.passwordReset.request({ identifier }),
  },
  {
    operation: "passwordReset.request, unknown",
    requests: 1,
    act: (auth) => auth.passwordReset.request({ identifier: freshIdentifier() }),
  },
  {
    operation: "passwordReset.confirm",
    requests: 2,
    prepare: (world, { identifier }) => mailed(world, "reset", identifier),
    act: (auth, _person, { token }: Mailed) => auth.passwordReset.confirm({ token, password: otherPassword }),
  },
  {
    operation: "mailedSignIn.request",
    requests: 1,
    prepare: verified,
    act: (auth, { identifier }) => auth.mailedSignIn.request({ identifier }),
  },
  {
    operation: "mailedSignIn.confirm",
    requests: 1,
    prepare: async (world, person) => await mailed(world, "signIn", (await verified(world, person)).identifier),
    act: (auth, _person, { token }: Mailed) => auth.mailedSignIn.confirm({ token }),
  },
  {
    operation: "mailedSignUp.request",
    requests: 1,
    act: (auth) => auth.mailedSignUp.request({ identifier: freshIdentifier() }),
  },
  {
    operation: "mailedSignUp.confirm",
    requests: 2,
    prepare: forSignUp,
    act: (auth, _person, { token }: Mailed) => auth.mailedSignUp.confirm({ token, password: otherPassword }),
  },
  {
    operation: "mailedCodes.exchange",
    requests: 1,
    prepare: forSignUp,
    act: (auth, _person, { requestToken, code }: Mailed) => auth.mailedCodes.exchange({ requestToken, code }),
  },
  {
    operation: "mailedLinks.look",
    requests: 1,
    prepare: forSignUp,
    act: (auth, _person, { token }: Mailed) => auth.mailedLinks.look({ token }),
  },
  {
    operation: "recovery.start",
    requests: 1,
    act: (auth, { userId }) => auth.recovery.start({ actor: system, userId, identifier: freshIdentifier() }),
  },
  {
    operation: "recovery.cancel",
    requests: 1,
    prepare: async (world, person) => (await recoveryOf(world, person)).stop,
    act: (auth, _person, token: string) => auth.recovery.cancel({ token }),
  },
  {
    operation: "recovery.finish",
    requests: 2,
    prepare: recoveryOf,
    act: (auth, _person, { token }: { token: string }) => auth.recovery.finish({ token, password: otherPassword }),
  },
  {
    operation: "notices.disown, with a code",
    requests: 2,
    prepare: async (world, one) => {
      const { app, person } = await addApp(world, await verified(world, one));
      const { back } = await withNewAddress(world, person);
      return { token: back, proof: { type: "totp", code: await app.code() } as const };
    },
    act: (auth, _person, link: { token: string; proof: { type: "totp"; code: string } }) => auth.notices.disown(link),
  },
  {
    operation: "notices.disown",
    requests: 1,
    prepare: noticeTo,
    act: (auth, _person, token: string) => auth.notices.disown({ token }),
  },
];
