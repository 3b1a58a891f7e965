import { randomBytes, toBase64Url, toHex } from "../crypto/bytes.ts";
import { type Actor, type SessionActor, sessionOf } from "../domain/actor.ts";
import * as acts from "../domain/acts/passkey.ts";
import type { Credential } from "../domain/credential.ts";
import { type CredentialId, newAuditId, newUuid, type UserId, uuidFor } from "../domain/id.ts";
import { type Passkey, passkey } from "../domain/passkey.ts";
import { toValue } from "../domain/record.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { acceptName } from "../domain/text.ts";
import { parseAssertionResponse } from "../domain/webauthn/response.ts";
import { type CeremonyBinding, ceremonySeconds, issueChallenge } from "../engine/challenges.ts";
import type { Core } from "../engine/core.ts";
import { withDecoys } from "../engine/decoy-credentials.ts";
import { denialOf } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { cutIdentifier, identifiersFor } from "../engine/identifiers.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import type { Page } from "../engine/page.ts";
import {
  createPasskeyCore,
  type PasskeyCore,
  type PasskeyOptions,
  type UserVerification,
} from "../engine/passkey-settings.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readAll } from "../engine/reads.ts";
import { refuse } from "../engine/refuse.ts";
import { refuseHolder } from "../engine/refuse-holder.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import { holderOfTicket } from "../engine/tickets.ts";
import { revokeCredential, userOfCredential } from "../store/credentials.ts";
import { type FactorHolder, userOfHolder } from "../store/factor-holder.ts";
import { purgeChallenges, purgeFactors } from "../store/maintenance.ts";
import * as passkeyStore from "../store/passkeys.ts";
import * as store from "../store/webauthn.ts";
import { checkAssertion, proofBinding, signInChecked, type WebauthnProof } from "./assertion-check.ts";
import { changeWork } from "./credential-changes.ts";
import {
  type CredentialDescriptor,
  creationOptions,
  descriptorOf,
  type RegistrationOptions,
  verifyKey,
} from "./registration.ts";
import { type PresentedTicket, type SecondFactorOperations, secondFactorOperations } from "./second-factor.ts";
import { type SecurityKeyOperations, securityKeyOperations } from "./security-keys.ts";

/** `PublicKeyCredentialRequestOptionsJSON`, WebAuthn L3 §5.1.10. */
export interface AssertionOptions {
  readonly challenge: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly rpId: string;
  readonly allowCredentials: readonly CredentialDescriptor[];
  readonly userVerification: UserVerification;
}

/** A new passkey, and the fresh session that replaces the acting one. */
export type RegisteredPasskey = IssuedSession & { readonly passkey: Passkey };

/** Passkeys, and signing in with them. */
export interface PasskeyOperations {
  /** Returns the options with which a browser creates a passkey. Allowed for the user of a fresh session. */
  registrationOptions: Operation<{ actor: SessionActor }, RegistrationOptions>;
  /**
   * Stores the passkey that a browser created with the options of `registrationOptions`. The registration also proves the
   * passkey: as after a step-up, a fresh session in the same family replaces the acting one. Other sessions stay as they are.
   *
   * @param input.transport The transport of the acting session, and of the session that replaces it.
   * @param input.response `RegistrationResponseJSON` as the browser returns it.
   * @param input.name The owner's name for it, up to 120 characters.
   * @throws {AuthError} `invalid_format.webauthn`, `invalid_format.user_not_verified`, `invalid_format.name`,
   *   `conflict.duplicate_credential`, `precondition.limit_reached`, `too_many_requests`.
   */
  register: Operation<
    { actor: SessionActor; response: unknown; name?: string | null; transport: Transport },
    RegisteredPasskey
  >;
  /** A user's passkeys that are not revoked. */
  list: Operation<{ actor: Actor; userId: UserId }, Page<Passkey>>;
  /**
   * Changes the name of a passkey, 1 to 120 characters. Allowed for its owner and the application.
   *
   * @throws {AuthError} `invalid_format.name`, `conflict.already_terminal`.
   */
  rename: Operation<{ actor: Actor; passkeyId: CredentialId; name: string }, Passkey>;
  /**
   * Ends one of the actor's own passkeys for good, and the sessions that were started with it.
   *
   * @throws {AuthError} `conflict.already_terminal`, `conflict.last_way_in`, `conflict.last_factor`.
   */
  revoke: PlannableOperation<{ actor: SessionActor; passkeyId: CredentialId }, Credential>;
  /**
   * Returns the options with which a browser proves a passkey or a security key of a known user: the user of a ticket or a
   * session.
   */
  proofOptions: Operation<{ actor: SessionActor } | PresentedTicket, AssertionOptions>;
}

/** Signing in with a passkey. */
export interface PasskeySignInOperations {
  /**
   * Returns the options with which a browser signs in a user who has not given an identifier, also for conditional mediation
   * (autofill).
   *
   * @param input.identifier With `identifierFirst`, the identifier whose credentials are named; otherwise it is ignored.
   */
  signInOptions(input?: { identifier?: string | undefined }): Promise<AssertionOptions>;
  /**
   * Signs in with a passkey, which counts as two factors: the user has the authenticator and has unlocked it.
   *
   * @throws {AuthError} `unauthorized.invalid_credential`, `unauthorized.user_not_verified`, `too_many_requests`.
   */
  signIn: Operation<
    {
      response: unknown;
      transport?: Transport;
      /** As for a sign-in with a password. Default true. */
      remember?: boolean | undefined;
      context?: RequestContext;
      /** A session token that the client already holds. Its session ends when the sign-in succeeds. */
      presentedToken?: string | undefined;
    },
    IssuedSession
  >;
}

/** The operations that the feature `passkeys` adds to `auth`. */
export interface PasskeyAuth {
  readonly signIn: {
    readonly passkey: PasskeySignInOperations["signIn"];
    readonly passkeyOptions: PasskeySignInOperations["signInOptions"];
  };
  readonly passkeys: PasskeyOperations;
  /** The same operations as for codes, with a passkey or a security key as the proof. */
  readonly webauthn: SecondFactorOperations<WebauthnProof, WebauthnProof>;
  readonly securityKeys: SecurityKeyOperations;
}

/** The operations on passkeys. */
export function passkeyParts(settings: Core, options: PasskeyOptions): FeatureParts<PasskeyAuth> {
  const core = createPasskeyCore(settings, options);
  const { signIn, signInOptions, ...passkeys } = passkeyOperations(core);
  const operations: PasskeyAuth = {
    signIn: { passkey: signIn, passkeyOptions: signInOptions },
    passkeys,
    webauthn: secondFactorOperations<WebauthnProof>(core, (attempt) => checkAssertion(core, attempt)),
    securityKeys: securityKeyOperations(core),
  };
  return { operations, check: () => void core.rpName, purges: [purgeFactors, purgeChallenges] };
}

function passkeyOperations(core: PasskeyCore): PasskeyOperations & PasskeySignInOperations {
  return {
    async registrationOptions({ actor }) {
      const holder = holderOfActor(actor);
      const row = await execute(core, {
        locks: locksOf(acts.registerPasskey, lockUsersOf(userOfHolder(holder))),
        body: store.selectRegistrationOptions({ holder, newHandle: toHex(randomBytes(32)), most: core.maxPerUser }),
        onLostReply: "repeat",
      });
      await refuseHolder(core, holder, acts.registerPasskey, row.refusal);
      return creationOptions(core, row, await issueChallenge(core, registrationBinding(holder), row.now), "required");
    },

    async register({ actor, response, name = null, transport }) {
      if (name !== null) acceptName(name);
      const holder = holderOfActor(actor);
      const binding = registrationBinding(holder);
      const key = await verifyKey(core, { response, binding, holder, userVerification: "required" });
      const passkeyId = newUuid();
      const auditId = newAuditId();
      const { session, token } = await newSession(core, { transport, context: actor.context });
      const row = await execute(core, {
        locks: locksOf(acts.registerPasskey, lockUsersOf(userOfHolder(holder))),
        mustCommit: true,
        body: passkeyStore.insertPasskey({
          holder,
          context: actor.context,
          act: acts.registerPasskey,
          auditId,
          passkeyId,
          name,
          key,
          most: core.maxPerUser,
          session,
        }),
        onLostReply: passkeyStore.recallRegistration(passkeyId, auditId, session.sessionId),
      });
      await refuseHolder(core, holder, acts.registerPasskey, row.refusal);
      return { ...issued(row, token), passkey: toValue(passkey, row, "passkey.") };
    },

    async list({ actor, userId }) {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return await readAll(core, passkeyStore.selectPasskeysOfUser(asked), toPasskey);
    },

    async rename({ actor, passkeyId, name }) {
      acceptName(name);
      const asked = { actor, auditId: newAuditId(), passkeyId: uuidFor("cred", passkeyId), name };
      return await execute(core, {
        locks: locksOf(acts.renamePasskey, lockUsersOf(userOfCredential(asked.passkeyId))),
        body: passkeyStore.renamePasskey(asked),
        onLostReply: passkeyStore.recallPasskey(asked.passkeyId, asked.auditId),
        decode: toPasskey,
        denial: denialOf(actor, acts.renamePasskey, asked.passkeyId),
      });
    },

    revoke: plannableChange(core, ({ actor, passkeyId }) => {
      const asked = { actor, credentialId: passkeyId, onlyOwn: true, onlyType: "passkey" as const };
      return changeWork(core, acts.revokeOwnPasskey, asked, revokeCredential, undefined);
    }),

    async signInOptions({ identifier } = {}) {
      const named = core.identifierFirst && identifier !== undefined ? cutIdentifier(identifier) : undefined;
      const { now, credentialIds } = await execute(core, {
        body: store.selectSignInOptions(named === undefined ? [] : identifiersFor(core, named)),
        onLostReply: "repeat",
      });
      const challenge = await issueChallenge(core, ["sign_in"], now);
      // Without transports, because a decoy has none.
      const ids = named === undefined ? [] : await withDecoys(core, named, credentialIds);
      return assertionOptions(challenge, ids, "required");
    },

    async signIn({ response, transport = "token", context = {}, ...input }) {
      return await signInChecked(core, {
        response: parseAssertionResponse(response),
        transport,
        context: cleanContext(context),
        ...input,
      });
    },

    async proofOptions(of) {
      const holder = "actor" in of ? holderOfActor(of.actor) : await holderOfTicket(core, of, "sign_in");
      const row = await execute(core, {
        body: store.selectAssertionOptions({ holder }),
        onLostReply: "repeat",
      });
      refuse(row.refusal);
      const challenge = await issueChallenge(core, proofBinding(holder), row.now);
      return assertionOptions(challenge, row.credentials, core.secondFactorVerification);
    },
  };

  function assertionOptions(
    challenge: Uint8Array,
    credentials: readonly store.StoredCredential[],
    userVerification: UserVerification,
  ): AssertionOptions {
    return {
      challenge: toBase64Url(challenge),
      timeout: ceremonySeconds * 1000,
      rpId: core.relyingParty.rpId,
      allowCredentials: credentials.map(descriptorOf),
      userVerification,
    };
  }
}

function holderOfActor(actor: SessionActor): FactorHolder & { actor: SessionActor; sessionId: string } {
  return { actor, sessionId: uuidFor("ses", sessionOf(actor).sessionId) };
}

/** A challenge is bound to the session that requested it (S28). */
function registrationBinding({ sessionId }: { sessionId: string }): CeremonyBinding {
  return ["register_passkey", sessionId];
}

function toPasskey(row: passkeyStore.PasskeyRow): Passkey {
  return toValue(passkey, row);
}
