import { englishTexts } from "./texts/english.ts";
import { englishActivity } from "./texts/english-activity.ts";
import { englishAddress } from "./texts/english-address.ts";
import { englishErrors } from "./texts/english-errors.ts";
import { englishInvitations } from "./texts/english-invitations.ts";
import { englishMerging } from "./texts/english-merging.ts";
import type { englishOrganizations } from "./texts/english-organizations.ts";
import { englishPasswords } from "./texts/english-passwords.ts";
import { englishProviders } from "./texts/english-providers.ts";

/** The name of a text of the pages, such as `sign-in.title`. */
export type TextName =
  | keyof typeof englishTexts
  | keyof typeof englishErrors
  | keyof typeof englishActivity
  | keyof typeof englishInvitations
  | keyof typeof englishMerging
  | keyof typeof englishPasswords
  | keyof typeof englishOrganizations
  | keyof typeof englishProviders
  | keyof typeof englishAddress;

/** The texts of the pages in one language, by name. `{…}` in a text stands for what a page puts there. */
export type PageTexts = Readonly<Record<Exclude<TextName, keyof typeof englishOrganizations>, string>> &
  // Texts of `organizationPages`. A language without one says it in English.
  Readonly<Partial<Record<keyof typeof englishOrganizations, string>>>;

/** A language of the pages. */
export interface PageLanguage {
  /** Its tag (BCP 47), such as `en` or `de`: the pages' `lang`, and what a browser asks for. */
  readonly tag: string;
  readonly texts: PageTexts;
  /** How times and days are written, if not as `tag` says. */
  readonly locale?: string;
}

/** English, the language of the pages unless an application gives others. */
export const english: PageLanguage = {
  tag: "en",
  locale: "en-GB",
  texts: {
    ...englishTexts,
    ...englishErrors,
    ...englishActivity,
    ...englishInvitations,
    ...englishMerging,
    ...englishPasswords,
    ...englishProviders,
    ...englishAddress,
  },
};

type SlotsIn<Text extends string> = Text extends `${string}{${infer Slot}}${infer Rest}` ? Slot | SlotsIn<Rest> : never;

type English = typeof englishTexts &
  typeof englishErrors &
  typeof englishActivity &
  typeof englishInvitations &
  typeof englishMerging &
  typeof englishPasswords &
  typeof englishOrganizations &
  typeof englishProviders &
  typeof englishAddress;

type SlotsOf<Name extends TextName> = SlotsIn<English[Name]>;

/** What stands in a text: nothing, or a value for each slot. */
type Slots<Name extends TextName, Value> = [SlotsOf<Name>] extends [never]
  ? []
  : [slots: Readonly<Record<SlotsOf<Name>, Value>>];

/** What a page says, in the language of its reader. */
export interface Voice<Child> {
  readonly language: PageLanguage;
  /** A text, in which elements may stand. */
  say<Name extends TextName>(name: Name, ...slots: Slots<Name, Child>): Child;
  /** A text of characters alone, for titles and attributes. */
  text<Name extends TextName>(name: Name, ...slots: Slots<Name, string | number>): string;
  /** The text with this name, if there is one without slots. */
  find(name: string): string | undefined;
}

/** @param more English texts of the pages that an application has added. */
export function voiceOf<Child>(language: PageLanguage, more: Partial<PageTexts> = {}): Voice<Child | string> {
  const texts: Partial<PageTexts> = { ...more, ...language.texts };
  /** Slots stand between texts: every second part is the name of one. */
  const partsOf = (name: TextName, [slots]: readonly [Readonly<Record<string, Child | string>>?]) =>
    texts[name]!.split(/\{([\w-]+)\}/).map((part, index) => (index % 2 === 0 ? part : (slots?.[part] ?? "")));
  return {
    language,
    say: (name, ...slots) => partsOf(name, slots as never) as never,
    text: (name, ...slots) => partsOf(name, slots as never).join(""),
    find: (name) => (Object.hasOwn(texts, name) ? texts[name as TextName] : undefined),
  };
}
