import type { Credential, Page } from "../index.ts";
import { Badge } from "./account-acts.tsx";
import type { TextName } from "./language.ts";
import type { Rendered } from "./rendered.ts";
import type { UserVisit } from "./route.ts";
import type { Site } from "./site.ts";

/** What the safety of an account depends on. */
export interface Proofs {
  /** Null if the account has no address that a message could reach. */
  readonly isAddressProved: boolean | null;
  readonly passkeys: number;
  readonly hasFactor: boolean;
  /** How many recovery codes are left. */
  readonly codes: number;
}

/** What would make an account safer, the most urgent first. */
type Step = "address" | "factor" | "codes" | "more-codes" | "second-passkey";

/** What is missing for a safe account: a proved address, more than a password, and a second way in. */
export function missingSteps({ isAddressProved, passkeys, hasFactor, codes }: Proofs): readonly Step[] {
  const steps: Step[] = [];
  if (isAddressProved === false) steps.push("address");
  if (passkeys === 0 && !hasFactor) steps.push("factor");
  if (hasFactor && passkeys === 0 && codes === 0) steps.push("codes");
  if (hasFactor && passkeys === 0 && codes > 0 && codes <= 3) steps.push("more-codes");
  if (!hasFactor && passkeys === 1) steps.push("second-passkey");
  return steps;
}

export interface Safety extends Proofs {
  /** The identifiers with which the user can sign in. */
  readonly identifiers: readonly string[];
}

export async function loadSafety({ auth, actor, user }: UserVisit): Promise<Safety> {
  const mine = { actor, userId: user.id };
  const [credentials, passkeys, factors] = await Promise.all([
    auth.credentials.list(mine),
    auth.passkeys.list(mine),
    auth.factors.list(mine),
  ]);
  const active = factors.data.filter(({ status }) => status === "active");
  return {
    identifiers: activePasswords(credentials).map(({ identifier }) => identifier),
    isAddressProved: auth.mail && user.identifier?.includes("@") ? user.identifierVerified : null,
    passkeys: passkeys.data.filter(({ status }) => status === "active").length,
    hasFactor: active.some(({ type }) => type !== "recovery"),
    codes: active.find((factor) => factor.type === "recovery")?.remaining ?? 0,
  };
}

/** The passwords that open an account. */
export function activePasswords({ data }: Page<Credential>): readonly Credential[] {
  return data.filter(({ type, status }) => type === "password" && status === "active");
}

const acts: Readonly<Record<Step, { label: TextName; path: string; isForm?: boolean }>> = {
  address: { label: "safety.do.address", path: "/account/verification", isForm: true },
  factor: { label: "safety.do.factor", path: "/account/passkeys/new" },
  codes: { label: "safety.do.codes", path: "/account/recovery-codes" },
  "more-codes": { label: "safety.do.codes", path: "/account/recovery-codes" },
  "second-passkey": { label: "safety.do.factor", path: "/account/passkeys/new" },
};

/** How safe the account is, and the next step. */
export function SafetyPanel({ site, safety }: { site: Site; safety: Proofs }): Rendered {
  const steps = missingSteps(safety);
  const [next] = steps;
  const level = next === undefined ? "good" : steps.includes("factor") ? "poor" : "fair";
  return (
    <section class={`safety ${level}`} aria-labelledby="safety-title">
      <h2 id="safety-title">
        {site.say("safety.title")}{" "}
        <Badge text={site.text(`safety.${level}`)} tone={level === "good" ? "good" : "warn"} />
      </h2>
      <p>
        {next === undefined
          ? site.say("safety.good.text")
          : next === "more-codes"
            ? site.say("safety.next.more-codes", { count: safety.codes })
            : site.say(`safety.next.${next}`)}
      </p>
      {next !== undefined && <NextStep site={site} {...acts[next]} />}
    </section>
  );
}

function NextStep({
  site,
  label,
  path,
  isForm,
}: {
  site: Site;
  label: TextName;
  path: string;
  isForm?: boolean;
}): Rendered {
  const there = site.path(path);
  const words = site.find(label);
  return isForm ? (
    <form method="post" action={there}>
      <button type="submit">{words}</button>
    </form>
  ) : (
    <p>
      <a class="button" href={there}>
        {words}
      </a>
    </p>
  );
}
