import type { Child } from "hono/jsx";
import { acceptTypedName } from "../domain/text.ts";
import { AuthError, type ErrorCode } from "../index.ts";
import type { Form } from "./form.ts";
import { Field } from "./parts.tsx";
import { sentenceFor, type Words } from "./refusal.ts";
import type { Site } from "./site.ts";

/** The name and the slug of an organization, as typed. */
export interface TypedNames {
  readonly name: string;
  readonly slug: string;
}

/** The page's own texts for refusals of a name. */
export const wordsOfNames: Words = { "invalid_format.name": "organizations.name.wrong" };

export function typedNamesIn(form: Form): TypedNames {
  return { name: form.text("name"), slug: form.text("slug") };
}

/**
 * The name and slug for an operation, without the space around them. Without a slug it is null.
 *
 * @throws {AuthError} `invalid_format.name` if there is no name, or one that {@link acceptTypedName} refuses.
 */
export function acceptTypedNames(typed: TypedNames): { name: string; slug: string | null } {
  const name = acceptTypedName(typed.name);
  if (name === "") throw new AuthError("invalid_format.name");
  return { name, slug: typed.slug.trim() || null };
}

/** The fields for the names of an organization, and whether one of them says why the form was refused. */
export function nameFields(
  site: Site,
  typed: TypedNames,
  refusal: AuthError | undefined,
): { fields: Child; isShown: boolean } {
  const errorFor = (...codes: readonly ErrorCode[]) =>
    refusal && codes.includes(refusal.code) ? sentenceFor(site, refusal, wordsOfNames) : undefined;
  const name = errorFor("invalid_format.name");
  const slug = errorFor("precondition.org_slug_format", "conflict.org_slug");
  const fields = (
    <>
      <Field
        site={site}
        form="organization"
        name="name"
        label={site.say("organizations.name")}
        value={typed.name}
        autocomplete="organization"
        maxlength={400}
        error={name}
      />
      <Field
        site={site}
        form="organization"
        name="slug"
        label={site.say("organizations.slug")}
        hint={site.text("organizations.slug.hint")}
        value={typed.slug}
        autocomplete="off"
        maxlength={63}
        required={false}
        error={slug}
      />
    </>
  );
  return { fields, isShown: (name ?? slug) !== undefined };
}
