/**
 * The account pages in German: `pages(auth, { languages: [english, german] })`.
 *
 * @module
 */
import type { PageLanguage } from "./language.ts";
import { germanTexts } from "./texts/german.ts";
import { germanActivity } from "./texts/german-activity.ts";
import { germanAddress } from "./texts/german-address.ts";
import { germanErrors } from "./texts/german-errors.ts";
import { germanInvitations } from "./texts/german-invitations.ts";
import { germanMerging } from "./texts/german-merging.ts";
import { germanOrganizations } from "./texts/german-organizations.ts";
import { germanPasswords } from "./texts/german-passwords.ts";
import { germanProviders } from "./texts/german-providers.ts";

/** German, for the option `languages` of `pages`. */
export const german: PageLanguage = {
  tag: "de",
  texts: {
    ...germanTexts,
    ...germanErrors,
    ...germanActivity,
    ...germanInvitations,
    ...germanMerging,
    ...germanPasswords,
    ...germanOrganizations,
    ...germanProviders,
    ...germanAddress,
  },
};
