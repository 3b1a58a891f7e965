import type { PageTexts } from "./language.ts";

/** Pages of a feature that not every application has: `organizationPages` of `sallyport/pages/organizations`. */
export interface PagePart {
  readonly name: "organizations";
  /** Rows of the table of pages. Only this package makes them. */
  readonly rows: readonly object[];
  /** English texts, for what a language does not say. */
  readonly texts: Partial<PageTexts>;
}
