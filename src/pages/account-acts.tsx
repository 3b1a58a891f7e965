import type { Child } from "hono/jsx";
import { type Place, places } from "../domain/page-paths.ts";
import type { Done } from "./layout.tsx";
import { pathWith, reviewOf } from "./next-path.ts";
import type { Rendered } from "./rendered.ts";
import type { UserVisit } from "./route.ts";
import type { Site } from "./site.ts";

/**
 * Leads to a page of the account, which says what was done.
 *
 * @param next The page in the form that was sent. If it is a review, that page is returned to.
 */
export function backTo(visit: UserVisit, place: Place, done?: Done, next?: string): Response {
  const { c, site } = visit;
  const review = reviewOf(next, visit);
  if (!review) return c.redirect(site.path(placeWhen(place, done)), 303);
  return c.redirect(`${review}${review.includes("?") ? "&" : "?"}${new URLSearchParams({ done: done! })}`, 303);
}

/** The path of a page of the account that says what was done. */
export function placeWhen(place: Place, done?: Done): string {
  return done ? pathWith(places[place], { done }) : places[place];
}

/** A part of a page with a line for each thing. */
export function Panel({
  id,
  title,
  isSaid = false,
  intro,
  children,
}: {
  id: string;
  title: string;
  /** True if the page says it already: it is then for those who hear the page. */
  isSaid?: boolean;
  intro?: Child;
  children: Child;
}): Rendered {
  return (
    <section aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`} class={isSaid ? "unseen" : ""}>
        {title}
      </h2>
      {intro}
      <ul class="rows">{children}</ul>
    </section>
  );
}

/** A word about a state, and whether that is as it should be. */
export interface BadgeProps {
  text: string;
  tone?: "good" | "warn";
}

/** A badge, after a space that is heard too and that vanishes where the line ends. */
export function Badge({ text, tone = undefined }: BadgeProps): Rendered {
  return (
    <>
      {"\u2002"}
      <span class={tone ? `badge ${tone}` : "badge"}>{text}</span>
    </>
  );
}

/** One thing, its state, and what can be done with it. */
export function Row({
  title,
  badge,
  state,
  children,
}: {
  title?: Child;
  badge?: BadgeProps | undefined;
  state?: Child;
  /** Its acts: links to forms, or forms of one button. */
  children?: Child;
}): Rendered {
  return (
    <li>
      <div class="what">
        {title && (
          <h3>
            {title}
            {badge && <Badge {...badge} />}
          </h3>
        )}
        {state && <p class="hint">{state}</p>}
      </div>
      {children && <div class="acts">{children}</div>}
    </li>
  );
}

/** A link to a form, which looks like a button. What it is about is for those who hear the page. */
export function FormLink({
  href,
  about,
  isDanger,
  children,
}: {
  href: string;
  about: Child;
  isDanger?: boolean;
  children: Child;
}): Rendered {
  return (
    <a class={isDanger ? "button danger" : "button quiet"} href={href}>
      {children}
      <span class="unseen"> {about}</span>
    </a>
  );
}

/** The links from a page of a list to the first page and to the next one. */
export function PageLinks({
  site,
  isFirst,
  next,
  pathOf,
}: {
  site: Site;
  isFirst: boolean;
  /** The cursor of the next page, or null. */
  next: string | null;
  pathOf: (parameters: Readonly<Record<string, string>>) => string;
}): Rendered {
  if (isFirst && next === null) return null;
  return (
    <p class="acts">
      {!isFirst && (
        <a class="button quiet" href={pathOf({})}>
          {site.say("list.first")}
        </a>
      )}
      {next !== null && (
        <a class="button quiet" href={pathOf({ cursor: next })}>
          {site.say("list.next")}
        </a>
      )}
    </p>
  );
}
