import type { CaptchaWidget } from "../http/rate-limit.ts";
import type { AuthError } from "../index.ts";
import { waitFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import type { Asked } from "./route.ts";
import { securityPolicy } from "./security-policy.ts";
import type { Site } from "./site.ts";

/** The widget that a form shows, if a refusal asks for one. */
export function widgetFor({ captcha }: Site, refusal: AuthError | undefined): CaptchaWidget | undefined {
  return /^captcha_/.test(String(refusal?.details?.reason)) ? captcha?.widget : undefined;
}

/** The captcha of a form, in front of its button, if a refusal asks for one. */
export function CaptchaPart({ site, refusal }: { site: Site; refusal: AuthError | undefined }): Rendered {
  const widget = widgetFor(site, refusal);
  if (!widget) return null;
  const { host } = new URL(widget.scriptUrl);
  return (
    <div class="captcha">
      <div {...widget.attributes} />
      <p class="hint">{site.say("captcha.missing", { host, time: waitFor(site, refusal!) })}</p>
    </div>
  );
}

/** Lets a page load a widget: its script and its frame come from the provider, to which the browser names this origin. */
export function allowWidget({ c, auth }: Asked, { scriptUrl }: CaptchaWidget): void {
  c.header("Content-Security-Policy", securityPolicy(auth, new URL(scriptUrl).origin));
  c.header("Referrer-Policy", "strict-origin-when-cross-origin");
}
