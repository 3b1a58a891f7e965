import type { Child } from "hono/jsx";
import { CopyButtons } from "./parts.tsx";
import type { Rendered } from "./rendered.ts";
import type { Site } from "./site.ts";

/** Days for which an invitation can count; the first choice is the middle one. */
const days = ["1", "7", "30"] as const;

/** The chosen number of days. */
export function daysIn(chosen: string): number {
  return Number(days.find((one) => one === chosen) ?? "7");
}

export function DaysField({ site, chosen }: { site: Site; chosen: string }): Rendered {
  return (
    <div class="field">
      <label for="invite-days">{site.say("invitations.days")}</label>
      <select id="invite-days" name="days">
        {days.map((count) => (
          <option value={count} selected={chosen === count}>
            {site.text("invitations.days.count", { count })}
          </option>
        ))}
      </select>
    </div>
  );
}

/** The copied link of a new invitation, which is shown only this once. */
export function LinkToCopy(made: { site: Site; url: string; name: Child; mailed: boolean; back: string }): Rendered {
  const { site, url, name, mailed, back } = made;
  return (
    <section>
      <p>{site.say("invitations.made.text", { name })}</p>
      <p>
        <code class="secret" id="invitation">
          {url}
        </code>
      </p>
      <CopyButtons site={site} from="invitation" />
      {mailed && <p>{site.say("invitations.made.mailed", { name })}</p>}
      <p>
        <a class="button" href={back}>
          {site.say("invitations.made.copied")}
        </a>
      </p>
    </section>
  );
}
