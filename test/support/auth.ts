import { Argon2id } from "../../src/crypto/argon2id.ts";
import { constantTimeEqual, fromBase64, randomBytes, toBase64Url, toHex } from "../../src/crypto/bytes.ts";
import { preparePassword } from "../../src/crypto/password-bytes.ts";
import type { PasswordHasher } from "../../src/crypto/password-hasher.ts";
import { encodePhc, parsePhc } from "../../src/crypto/phc.ts";
import { type SessionActor, type SystemActor, systemActor } from "../../src/domain/actor.ts";
import { AuthError, type ErrorCode } from "../../src/domain/error.ts";
import { type CredentialId, generateId, type UserId, uuidFor } from "../../src/domain/id.ts";
import type { Session, Transport } from "../../src/domain/session.ts";
import type { TupleWriters } from "../../src/domain/tuple-writer.ts";
import type { PasswordSettings, SignUpMode } from "../../src/engine/core.ts";
import type { FederationOptions } from "../../src/engine/federation-settings.ts";
import type { MailOptions } from "../../src/engine/mail-settings.ts";
import type { MfaOptions } from "../../src/engine/mfa-settings.ts";
import type { AuthOptions } from "../../src/engine/options.ts";
import type { PasskeyOptions } from "../../src/engine/passkey-settings.ts";
import type { RuleSet } from "../../src/engine/rule-set.ts";
import { accounts } from "../../src/http/features/accounts.ts";
import { activity } from "../../src/http/features/activity.ts";
import { administration } from "../../src/http/features/administration.ts";
import { authorization } from "../../src/http/features/authorization.ts";
import { federation } from "../../src/http/features/federation.ts";
import { invitations } from "../../src/http/features/invitations.ts";
import { limits } from "../../src/http/features/limits.ts";
import { mail } from "../../src/http/features/mail.ts";
import { merging } from "../../src/http/features/merging.ts";
import { mfa } from "../../src/http/features/mfa.ts";
import { organizationDomains } from "../../src/http/features/organization-domains.ts";
import { organizations } from "../../src/http/features/organizations.ts";
import { passkeys } from "../../src/http/features/passkeys.ts";
import { passwords } from "../../src/http/features/passwords.ts";
import { personalAccessTokens } from "../../src/http/features/personal-access-tokens.ts";
import { signUp } from "../../src/http/features/sign-up.ts";
import { terms } from "../../src/http/features/terms.ts";
import { type Auth, createAuth } from "../../src/operations/auth.ts";
import type { InvitationOptions } from "../../src/operations/invitations.ts";
import type { OrganizationDomainOptions } from "../../src/operations/organization-domains.ts";
import type { OrganizationOptions } from "../../src/operations/organization-parts.ts";
import type { PersonalAccessTokenOptions } from "../../src/operations/personal-access-tokens.ts";
import { keepTokens } from "../../src/operations/provider-tokens.ts";
import type { Terms } from "../../src/operations/terms.ts";
import { argon2id, decoyHash } from "../../src/runtime/argon2id.ts";
import { argon2Base64 } from "../../src/runtime/generated/argon2.ts";
import { type Database, type Statement, sql } from "../../src/store/sql.ts";
import { type CountingDatabase, countingDatabase } from "./counting-database.ts";
import { type Backend, type BackendName, type BackendOptions, backend } from "./databases.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { practiceDomains, practiceProvider } from "./practice-provider.ts";
import { practiceResolver } from "./practice-resolver.ts";
import { testWriters } from "./tuple-writers.ts";

/** A hasher that counts Argon2id computations, not calls: a hash that is refused unread costs nothing. */
export interface CountingHasher extends PasswordHasher {
  readonly computations: number;
  reset(): void;
}

function countingHasher(hasher: PasswordHasher): CountingHasher {
  let computations = 0;
  return {
    get computations() {
      return computations;
    },
    reset() {
      computations = 0;
    },
    async hash(password, form) {
      if (preparePassword(password)) computations += 1;
      return await hasher.hash(password, form);
    },
    async verify(phc, password, form) {
      if (parsePhc(phc) && preparePassword(password)) computations += 1;
      return await hasher.verify(phc, password, form);
    },
    canVerify: (phc) => hasher.canVerify(phc),
    needsRehash: (phc) => hasher.needsRehash(phc),
  };
}

const quickCost = { memoryKiB: 8, passes: 1, lanes: 1 };
let computation: Argon2id | undefined;

function quickTag(password: Uint8Array, salt: Uint8Array, cost = quickCost): Uint8Array {
  computation ??= new Argon2id(new WebAssembly.Module(fromBase64(argon2Base64)!));
  return computation.tag({ password, salt, cost, tagBytes: 32 });
}

/** Argon2id at the least cost and without a queue: a real hash of a real password in a hundredth of the time. */
export function quickHasher(): PasswordHasher {
  return {
    async hash(password, form) {
      const salt = randomBytes(16);
      return encodePhc({ cost: quickCost, salt, tag: quickTag(preparePassword(password, form)!, salt) as never });
    },
    async verify(phc, password, form) {
      const stored = parsePhc(phc);
      const bytes = preparePassword(password, form);
      return !!stored && !!bytes && constantTimeEqual(quickTag(bytes, stored.salt, stored.cost), stored.tag);
    },
    canVerify: (phc) => parsePhc(phc) !== undefined,
    needsRehash: (phc) => parsePhc(phc)?.cost.memoryKiB !== quickCost.memoryKiB,
  };
}

/** A dummy hash of {@link quickHasher}. */
export const quickDecoy: string = encodePhc({
  cost: quickCost,
  salt: new Uint8Array(16),
  tag: new Uint8Array(32).fill(1),
});

/** The header with the client's address in a test's requests. */
export const addressHeader = "x-test-address";

/** The settings of every feature, in one object. */
export interface FullOptions
  extends Omit<AuthOptions, "features" | "clientAddress">,
    MfaOptions,
    PasskeyOptions,
    PersonalAccessTokenOptions {
  clientAddress?: AuthOptions["clientAddress"];
  passwordHasher: PasswordHasher;
  decoyHash?: string;
  predictableWords?: readonly string[];
  blocklist?: PasswordSettings["blocklist"];
  history?: PasswordSettings["history"];
  isCompromisedPassword?: PasswordSettings["isCompromised"];
  signUp?: SignUpMode;
  /** Default: a mailbox that nobody reads. */
  mail?: Partial<MailOptions>;
  invitations?: InvitationOptions;
  federation?: Partial<FederationOptions>;
  terms?: Terms;
  organizations?: OrganizationOptions;
  /** Default: the resolver finds what a test has published. */
  organizationDomains?: OrganizationDomainOptions;
  /** Default: a check is for exactly one tuple. */
  rules?: RuleSet;
  /** Default: `testWriters`, or none with rules. */
  writers?: TupleWriters;
}

/** Every feature. */
export function everyFeature(options: FullOptions) {
  const {
    passwordHasher: hasher,
    decoyHash: decoy,
    predictableWords,
    blocklist,
    history,
    isCompromisedPassword: isCompromised,
  } = options;
  return [
    passwords({ hasher, decoyHash: decoy, predictableWords, blocklist, isCompromised, history }),
    signUp({ mode: options.signUp ?? "closed" }),
    accounts(),
    activity(),
    administration(),
    limits(),
    merging(),
    organizations(options.organizations),
    organizationDomains(options.organizationDomains ?? { resolver: practiceResolver }),
    terms(options.terms ?? { version: "2026-11-01", url: "https://example.com/terms" }),
    invitations(options.invitations),
    authorization({
      ...(options.rules && { rules: options.rules }),
      writers: options.writers ?? (options.rules ? {} : testWriters),
    }),
    mfa(options),
    mail({ mailer: openMailbox(), from: { address: "accounts@example.com" }, signIn: true, ...options.mail }),
    passkeys(options),
    federation({
      providers: [practiceProvider()],
      keepTokens: keepTokens({ sealingKeys: sealingKey }),
      domains: options.federation?.providers ? {} : practiceDomains,
      ...options.federation,
    }),
    personalAccessTokens(options),
  ] as const;
}

/** Every operation. */
export type FullAuth = Auth<ReturnType<typeof everyFeature>>;

/** Sallyport with every feature. */
export function fullAuth(options: FullOptions): FullAuth {
  const {
    database,
    secrets,
    origins,
    lifetimes,
    limits,
    timeouts,
    allowNonAsciiIdentifiers,
    sharedDatabase,
    cookiePrefix,
    returnTo,
    onError,
  } = options;
  return createAuth({
    database,
    secrets,
    origins,
    clientAddress: options.clientAddress ?? ((c) => c.req.header(addressHeader)),
    features: everyFeature(options),
    ...(lifetimes && { lifetimes }),
    ...(limits && { limits }),
    ...(timeouts && { timeouts }),
    ...(allowNonAsciiIdentifiers !== undefined && { allowNonAsciiIdentifiers }),
    ...(sharedDatabase !== undefined && { sharedDatabase }),
    ...(cookiePrefix !== undefined && { cookiePrefix }),
    ...(returnTo !== undefined && { returnTo }),
    // A test that provokes a fault checks it itself.
    onError: onError ?? (() => undefined),
  });
}

export const secret: string = toBase64Url(randomBytes(32));
export const sealingKey: string = toBase64Url(randomBytes(32));
export const goodPassword = "vmqkzhrwxjcygpfb";
export const otherPassword = "tuldnbfpgycjxwrh";
export const system: SystemActor = systemActor("test");

/** A user who has signed up, and what they hold. */
export interface Person {
  readonly identifier: string;
  readonly password: string;
  readonly userId: UserId;
  readonly credentialId: CredentialId;
  readonly session: Session;
  readonly token: string;
  readonly transport: Transport;
  readonly actor: SessionActor;
  readonly knownDevice: string;
}

/** One audit event, as stored. */
export interface StoredEvent {
  readonly id: string;
  readonly action: string;
  readonly outcome: string;
  readonly actorUserId: string | null;
  readonly auth: Record<string, unknown> | null;
  readonly targetId: string;
  readonly metadata: Record<string, unknown>;
  readonly context: Record<string, unknown>;
}

export interface OpenOptions extends BackendOptions {
  /** `real`: the pinned cost and the queue. Default `quick`. */
  hasher?: "real" | "quick";
  auth?: Partial<FullOptions>;
}

/** Sallyport on its own database, with tools to inspect it. */
export interface World {
  readonly auth: FullAuth;
  /** The driver's own database: its requests are not counted. */
  readonly database: Database;
  readonly counting: CountingDatabase;
  readonly hasher: CountingHasher;
  /** What `auth.mail.deliver` has sent. */
  readonly mailbox: Mailbox;
  readonly backend: Backend;
  /** Another isolate: it shares only the database and the secrets. */
  isolate(options?: Partial<FullOptions>): FullAuth;
  rows<Row>(statement: Statement<Row>): Promise<Row[]>;
  /** Signs a new user up, from a fresh address. */
  person(options?: { transport?: Transport; password?: string; identifier?: string }): Promise<Person>;
  /** Signs a user in again, from a fresh address. */
  signIn(person: Person, options?: { transport?: Transport; auth?: FullAuth }): Promise<Person>;
  /** A user who is an administrator, in a session at level 2. */
  administrator(): Promise<Person>;
  /** Makes a user an administrator, and removes the factor that this required. */
  makeAdministrator(userId: UserId): Promise<void>;
  /** Writes a second factor, proved now, into a session. */
  levelTwo(session: Pick<Session, "id">): Promise<void>;
  /** Gives a user an active factor without a usable key. */
  enroll(userId: string): Promise<void>;
  /** Sets the user's policy: a second factor is required, from `graceUntil` on. */
  requireFactor(userId: string, graceUntil?: Date): Promise<void>;
  /** Moves the authentication of a session into the past, in seconds. */
  age(session: Pick<Session, "id">, seconds: number): Promise<void>;
  liveSessions(userId: string): Promise<number>;
  tickets(userId: string): Promise<number>;
  /** Events by their target or their actor, oldest first. */
  events(filter: { actor?: string; target?: string; action?: string }): Promise<StoredEvent[]>;
  close(): Promise<void>;
}

export async function openAuth(name: BackendName, options: OpenOptions = {}): Promise<World> {
  const opened = await backend(name, options);
  const { database } = opened;
  const counting = countingDatabase(database);
  const isReal = options.hasher === "real";
  const hasher = countingHasher(isReal ? argon2id() : quickHasher());
  const mailbox = openMailbox();
  const isolate = (more: Partial<FullOptions> = {}): FullAuth => {
    const chosen: FullOptions = {
      database,
      mail: { mailer: mailbox },
      passwordHasher: hasher,
      decoyHash: isReal ? decoyHash : quickDecoy,
      secrets: secret,
      sealingKeys: sealingKey,
      origins: ["https://example.com"],
      signUp: "open",
      // A driver that waits for longer is of no use if its caller has given up.
      ...(options.timeoutMilliseconds !== undefined &&
        options.timeoutMilliseconds > 5_000 && {
          timeouts: { requestMilliseconds: 60_000, firstMilliseconds: 60_000 },
        }),
      ...options.auth,
      ...more,
    };
    return fullAuth(chosen);
  };
  const auth = isolate({ database: counting });
  const rows = <Row>(statement: Statement<Row>): Promise<Row[]> => database.run<Row>(statement);
  const count = async (statement: Statement<{ n: number }>): Promise<number> => (await rows(statement))[0]!.n;
  const personOf = async (
    signedIn: { session: Session; token: string; knownDevice: string },
    { identifier, password, transport }: Pick<Person, "identifier" | "password" | "transport">,
  ): Promise<Person> => {
    const { session, token, knownDevice } = signedIn;
    const { actor } = await auth.sessions.verify({ token, transport, context: { address: freshAddress() } });
    const { userId, credentialId } = session;
    return { identifier, password, transport, userId, credentialId, session, token, actor, knownDevice };
  };

  const world: World = {
    auth,
    database,
    counting,
    hasher,
    mailbox,
    backend: opened,
    isolate,
    rows,
    async person({ transport = "token", password = goodPassword, identifier = freshIdentifier() } = {}) {
      const context = { address: freshAddress() };
      const made = await auth.signUp({ identifier, password, transport, context });
      return await personOf(made, { identifier, password, transport });
    },
    async signIn({ identifier, password }, { transport = "token", auth: through = auth } = {}) {
      const signedIn = await through.signIn.password({
        identifier,
        password,
        transport,
        context: { address: freshAddress() },
      });
      if (signedIn.mfaRequired) throw new Error("A second factor is demanded.");
      return await personOf(signedIn, { identifier, password, transport });
    },
    async administrator() {
      const person = await world.person();
      await world.makeAdministrator(person.userId);
      await world.levelTwo(person.session);
      return person;
    },
    async makeAdministrator(userId) {
      await world.enroll(userId);
      await auth.administrators.grant({ actor: system, userId });
      await rows(sql`delete from mfa where usr_id = ${uuidFor("usr", userId)}::uuid and identifier = 'phone'`);
    },
    async levelTwo({ id }) {
      await rows(sql`
        update ses set amr = array['pwd', 'mfa'], mfa_verified_at = greatest(sallyport_now(), created_at)
        where id = ${uuidFor("ses", id)}::uuid`);
    },
    async enroll(userId) {
      await rows(sql`
        insert into mfa (id, usr_id, type, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
        values (${uuidFor("mfa", generateId("mfa"))}::uuid, ${uuidFor("usr", userId)}::uuid, 'totp', 'phone',
          decode('00', 'hex'), 'sha1', 6, 30)
        on conflict do nothing`);
    },
    async requireFactor(userId, graceUntil) {
      await rows(sql`
        insert into usr_mfa_policy (usr_id, required, grace_until)
        values (${uuidFor("usr", userId)}::uuid, true, ${graceUntil ?? null}::timestamptz)
        on conflict (usr_id) do update set required = true, grace_until = excluded.grace_until`);
    },
    async age({ id }, seconds) {
      await rows(sql`
        update ses set auth_time = sallyport_now() - make_interval(secs => ${seconds}::float8)
        where id = ${uuidFor("ses", id)}::uuid`);
    },
    liveSessions: (userId) =>
      count(sql`
        select count(*)::int as n from ses
        where usr_id = ${uuidFor("usr", userId)}::uuid and revoked_at is null and expires_at > sallyport_now()`),
    tickets: (userId) =>
      count(sql`select count(*)::int as n from login_ticket where usr_id = ${uuidFor("usr", userId)}::uuid`),
    async events({ actor, target, action }) {
      return await rows<StoredEvent>(sql`
        select id, action, outcome, actor_usr_id as "actorUserId", auth, target_id as "targetId", metadata, context
        from aud
        where (${actor ?? null}::text is null or actor_usr_id = ${actor ? uuidFor("usr", actor) : null}::uuid)
          and (${target ?? null}::text is null or target_id = ${target ?? null}::text)
          and (${action ?? null}::text is null or action = ${action ?? null}::text)
        order by recorded_at, id`);
    },
    close: () => opened.close(),
  };
  return world;
}

export function freshIdentifier(): string {
  return `p${toHex(randomBytes(8))}@example.com`;
}

/** A user name, to which no message can be sent. */
export function freshName(): string {
  return `p${toHex(randomBytes(8))}`;
}

/** An IPv6 address in a fresh network. */
export function freshAddress(): string {
  // In its normal form (RFC 5952): no group begins with a zero.
  const groups = toHex(randomBytes(4)).match(/.{4}/g)!;
  return `2001:${groups.map((group) => group.replace(/^0+/, "1")).join(":")}::1`;
}

/** The code of a promise's refusal; `"done"` if it is not refused. Any other failure is thrown. */
export async function outcome(promise: Promise<unknown>): Promise<ErrorCode | "done"> {
  try {
    await promise;
    return "done";
  } catch (error) {
    if (error instanceof AuthError) return error.code;
    throw error;
  }
}

/** The refusal itself. */
export async function refusal(promise: Promise<unknown>): Promise<AuthError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
  throw new Error("Nothing was refused.");
}

/** How often each value occurs. */
export function tally<Value extends string>(values: readonly Value[]): Partial<Record<Value, number>> {
  const counts: Partial<Record<Value, number>> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
