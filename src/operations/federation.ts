import { sha256Hex } from "../crypto/digest.ts";
import { type SessionActor, sessionOf } from "../domain/actor.ts";
import * as acts from "../domain/acts/provider.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, uuidFor } from "../domain/id.ts";
import {
  isIssuerAmong,
  type LinkedIdentity,
  linkedIdentity,
  type ProvedIdentity,
} from "../domain/identity-provider.ts";
import { toValue } from "../domain/record.ts";
import type { Core } from "../engine/core.ts";
import { denialOf, recordDenial } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { createFederationCore, type FederationCore, type FederationOptions } from "../engine/federation-settings.ts";
import { identifiersFor } from "../engine/identifiers.ts";
import { locksOf } from "../engine/locks.ts";
import { plannableChange } from "../engine/plan.ts";
import { attemptSeconds, beginAttempt, readAttempt } from "../engine/provider-attempts.ts";
import { readAll } from "../engine/reads.ts";
import { refuse } from "../engine/refuse.ts";
import { openText } from "../engine/sealed-text.ts";
import { revokeCredential } from "../store/credentials.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import * as store from "../store/linked-identities.ts";
import { lockUser } from "../store/locks.ts";
import { purgeChallenges, purgeProviderSessions } from "../store/maintenance.ts";
import { purgeRevocations } from "../store/owed-revocations.ts";
import { changeWork } from "./credential-changes.ts";
import type { FederationAuth, FederationOperations } from "./federation-operations.ts";
import { importOperations } from "./identity-import.ts";
import { provesFactor, signInWith } from "./identity-sign-in.ts";
import { keepingOf, newIdentity, prove, provedAtOf, providerOf, refused, sidOf } from "./provider-answer.ts";
import { discoveryOperations } from "./provider-discovery.ts";
import { providerFault } from "./provider-fault.ts";
import { heedProvider } from "./provider-notices.ts";
import { spendOnSession, stepUpBy } from "./second-factor.ts";

export function federationParts(settings: Core, options: FederationOptions): FeatureParts<FederationAuth> {
  const core = createFederationCore(settings, options);
  const { keepTokens } = options;
  return {
    operations: { federation: federationOperations(core) },
    check: () => {
      void core.providers;
      keepTokens?.keys(core);
    },
    ...(keepTokens && { keys: () => ({ keepTokens: keepTokens.keys(core) }) }),
    // The database owes revocations also after an application has stopped keeping tokens.
    purges: [purgeChallenges, purgeProviderSessions, purgeRevocations, ...(keepTokens ? [keepTokens.purge] : [])],
  };
}

function federationOperations(core: FederationCore): FederationOperations {
  return {
    providers: () =>
      [...core.providers.values()].map(
        ({ name, label, mark, provesAgain = false, answersByForm = false, pageClientId }) => {
          const path = `${core.routesPath}/${name}`;
          const [startPath, linkPath, stepUpPath, callbackPath] = ["start", "link", "step-up", "callback"].map(
            (verb) => `${path}/${verb}`,
          ) as [string, string, string, string];
          const paths = { startPath, linkPath, stepUpPath, callbackPath };
          return { name, label, mark, ...paths, provesAgain, answersByForm, pageClientId };
        },
      ),

    places: () => core.places,
    ...discoveryOperations(core),
    ...importOperations(core),

    async start({ provider: name, purpose = "sign_in", actor, next, remember, again = purpose === "step_up" }) {
      const provider = providerOf(core, name);
      const sessionId = purpose === "sign_in" ? undefined : sessionOf(actor!).sessionId;
      const { attempt, sealed } = await beginAttempt(core, name, {
        purpose,
        again: again && provider.provesAgain === true,
        sessionId,
        // Only what a sign-in may lead to: a cookie has little room.
        next: core.nextPlaces.find((place) => place === next),
        remember,
        redirectUri: `${core.origins[0]!.origin}${core.routesPath}/${name}/callback`,
      });
      try {
        const url = await provider.begin(attempt);
        return { url, attempt: sealed, nonce: attempt.nonce, maxAgeSeconds: attemptSeconds };
      } catch (error) {
        throw providerFault(core, error);
      }
    },

    async look({ provider, attempt }) {
      const begun = await readAttempt(core, provider, attempt);
      const purpose = begun?.purpose;
      const otherwise = purpose === undefined || purpose === "sign_in" ? core.places.signedIn : core.places.linked;
      // The listed text itself, so that nothing that a client sent is followed (R062).
      const mayProveAgain = begun?.again === false && core.providers.get(provider)?.provesAgain === true;
      const next = core.nextPlaces.find((place) => place === begun?.next) ?? otherwise;
      return { purpose, next, remember: begun?.remember, mayProveAgain };
    },

    async finish({ presentedToken, context: given, ...asked }) {
      const { identity, begun } = await prove(core, { ...asked, context: given }, "sign_in");
      return await signInWith(core, { asked: { ...asked, presentedToken, context: given }, identity, begun });
    },

    async finishLink({ actor, ...asked }) {
      const { identity, begun } = await prove(core, asked, "link", actor);
      const named = newIdentity(core, asked.provider, identity);
      return await linkTo(core, actor, named, {
        attempt: begun.spent,
        keepTokens: await keepingOf(core, named, identity),
      });
    },

    async finishStepUp({ actor, ...asked }) {
      const { identity, begun } = await prove(core, asked, "step_up", actor);
      const { issuer, subject } = identity;
      const provedAt = begun.again ? provedAtOf(identity) : undefined;
      const checked = {
        type: "oidc",
        issuer,
        subject,
        provedAt,
        provesFactor: provedAt !== undefined && provesFactor(core, identity),
        sid: sidOf(identity),
        challenge: begun.spent,
      } as const;
      return await spendOnSession(core, { ...stepUpBy(actor, acts.stepUpWithProvider), checked, transport: "cookie" });
    },

    async link({ actor, identity: sealed, now }) {
      const text = sealed && (await openText(core, ["identity"], sealed, now));
      if (!text) throw refused("transaction_expired");
      const { provider, ...proved } = JSON.parse(text) as ProvedIdentity & { provider: string };
      // The provider, or its issuer, may have been taken from the list since.
      if (!isIssuerAmong(providerOf(core, provider).issuers, proved.issuer)) throw new AuthError("not_found");
      const identity = newIdentity(core, provider, proved);
      return await linkTo(core, actor, identity, {
        heldAs: identifiersFor(core, identity.email ?? ""),
        // The text has the id of the sign-in that proved the identity. It ends by then.
        waited: {
          digest: await sha256Hex(`identity ${text}`),
          expiresAt: new Date(now.getTime() + attemptSeconds * 1_000),
        },
      });
    },

    heed: (asked) => heedProvider(core, asked),

    async accessToken(asked) {
      if (!core.tokenKeeping) throw new TypeError("The option `keepTokens` of `federation` is not set.");
      return await core.tokenKeeping.accessToken(core, asked);
    },

    revokeOwed: async ({ limit = 20 } = {}) => (await core.tokenKeeping?.revokeOwed(core, limit)) ?? { revoked: 0 },

    async list({ actor, userId }) {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return await readAll(core, store.selectIdentitiesOfUser(asked), toIdentity);
    },

    unlink: plannableChange(core, ({ actor, credentialId }) => {
      const asked = { actor, credentialId, onlyOwn: true, onlyType: "oidc" as const };
      return changeWork(core, acts.unlinkIdentity, asked, revokeCredential, undefined);
    }),
  };
}

function toIdentity(row: store.LinkedIdentityRow): LinkedIdentity {
  return toValue(linkedIdentity, row);
}

async function linkTo(
  core: FederationCore,
  actor: SessionActor,
  identity: store.NewIdentity,
  only: Pick<Parameters<typeof store.insertIdentity>[0], "heldAs" | "attempt" | "waited" | "keepTokens">,
): Promise<LinkedIdentity> {
  const userId = uuidFor("usr", actor.userId);
  const asked = { actor, auditId: newAuditId() };
  const denial = denialOf(actor, acts.linkIdentity, identity.credentialId);
  const row = await execute(core, {
    denial,
    locks: locksOf(
      acts.linkIdentity,
      ...store.lockIdentity(identity),
      ...(identity.email === null ? [] : lockIdentifier(identity.email)),
      lockUser(userId),
    ),
    body: store.insertIdentity({ ...asked, ...only, userId, identity, most: core.maxIdentities }),
    onLostReply: store.recallIdentity(identity.credentialId, asked.auditId),
    // The provider's code is spent.
    mustCommit: true,
  });
  try {
    if (only.attempt && row.refusal === "unauthorized.provider") throw refused("used");
    refuse(row.refusal);
  } catch (refusal) {
    await recordDenial(core, denial, refusal);
    throw refusal;
  }
  return toIdentity(row);
}
