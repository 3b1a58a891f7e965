import type { CredentialId } from "../../../src/domain/id.ts";
import { system } from "../../support/auth.ts";
import { freshIdentity, givenIdentity, signInWith } from "../../support/practice-provider.ts";
import {
  type Answered,
  answered,
  answeredAgain,
  type Told,
  toldOf,
  type Waiting,
  waiting,
} from "../writes/federation-writes.ts";
import type { Budget } from "./budget.ts";

export const federationBudgets: readonly Budget[] = [
  { operation: "federation.providers", requests: 0, act: async (auth) => auth.federation.providers() },
  { operation: "federation.places", requests: 0, act: async (auth) => auth.federation.places() },
  { operation: "federation.domains", requests: 0, act: async (auth) => auth.federation.domains() },
  {
    operation: "federation.discover",
    requests: 1,
    act: (auth) => auth.federation.discover({ identifier: "ada@practice.example" }),
  },
  { operation: "federation.start", requests: 0, act: (auth) => auth.federation.start({ provider: "practice" }) },
  {
    operation: "federation.look",
    requests: 0,
    prepare: (world) => answered(world),
    act: (auth, _person, { provider, attempt }: Answered) => auth.federation.look({ provider, attempt }),
  },
  {
    operation: "federation.finish",
    requests: 1,
    prepare: (world) => answered(world),
    act: (auth, _person, made: Answered) => auth.federation.finish(made),
  },
  {
    operation: "federation.finishLink",
    requests: 1,
    prepare: answered,
    act: (auth, { actor }, made: Answered) => auth.federation.finishLink({ ...made, actor }),
  },
  {
    operation: "federation.finishStepUp",
    requests: 1,
    prepare: answeredAgain,
    act: (auth, { actor }, made: Answered) => auth.federation.finishStepUp({ ...made, actor }),
  },
  {
    operation: "federation.accessToken",
    requests: 1,
    async prepare(world, { userId }) {
      const identity = freshIdentity({ tokens: { access_token: "access" } });
      await givenIdentity(world, userId, "active", identity);
      await signInWith(world.auth, identity);
    },
    act: (auth, { actor, userId }) => auth.federation.accessToken({ actor, userId, provider: "practice" }),
  },
  { operation: "federation.revokeOwed", requests: 1, act: (auth) => auth.federation.revokeOwed() },
  {
    operation: "federation.heed",
    requests: 1,
    prepare: toldOf,
    act: (auth, _person, made: Told) => auth.federation.heed(made),
  },
  {
    operation: "federation.link",
    requests: 1,
    prepare: waiting,
    act: (auth, { actor }, made: Waiting) => auth.federation.link({ actor, ...made }),
  },
  {
    operation: "federation.list",
    requests: 1,
    act: (auth, { actor, userId }) => auth.federation.list({ actor, userId }),
  },
  {
    operation: "federation.import",
    requests: 1,
    act: (auth, { userId }) =>
      auth.federation.import({ actor: system, userId, provider: "practice", subject: freshIdentity().subject }),
  },
  {
    operation: "federation.unlink",
    requests: 1,
    prepare: (world, { userId }) => givenIdentity(world, userId),
    act: (auth, { actor }, credentialId: CredentialId) => auth.federation.unlink({ actor, credentialId }),
  },
];
