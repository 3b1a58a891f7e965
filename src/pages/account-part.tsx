import type { Child } from "hono/jsx";
import type { AuthError, ErrorCode } from "../index.ts";
import type { Account } from "./account-data.ts";
import type { Section } from "./next-path.ts";
import { Alert } from "./parts.tsx";
import { sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import type { UserVisit } from "./route.ts";
import type { Site } from "./site.ts";

/** A refusal, shown beside the field that caused it, with the text that was typed. */
export interface Failure {
  readonly section: Section;
  readonly refusal: AuthError;
  readonly typed?: Readonly<Record<string, string>>;
  readonly words?: Partial<Record<ErrorCode, string>>;
}

/** The data of a part of the account page. */
export interface PartProps {
  visit: UserVisit;
  site: Site;
  account: Account;
  failure: Failure | undefined;
  done: string | undefined;
  /** The name of a passkey that is to be added, after the proof for it. */
  passkeyName: string | undefined;
}

/** A part of the account page. Its id is the fragment in addresses. */
export function Part({
  id,
  title,
  failure,
  done,
  children,
}: {
  id: Section;
  title: string;
  failure?: string | undefined;
  done: string | undefined;
  children: Child;
}): Rendered {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {done && (
        <p class="done" role="status">
          {done}
        </p>
      )}
      <Alert>{failure}</Alert>
      {children}
    </section>
  );
}

/** The sentence of a failure with one of these codes. With `isOther`, of a failure with none of them. */
export function told(failure: Failure | undefined, codes: readonly ErrorCode[], isOther = false): string | undefined {
  if (!failure || codes.includes(failure.refusal.code) === isOther) return undefined;
  return sentenceFor(failure.refusal, failure.words);
}
