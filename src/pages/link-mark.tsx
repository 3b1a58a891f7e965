import { isLinkMark, linkMark } from "../engine/link-mark.ts";
import { linkCookie, readCookie } from "../http/cookies.ts";
import type { Form } from "./form.ts";
import { Hidden } from "./parts.tsx";
import type { Rendered } from "./rendered.ts";
import type { Visit } from "./route.ts";

const name = "link";

/**
 * Binds a form to the link whose page it is on. A browser keeps the secret of one opened link, so a link that is opened in another
 * tab takes its place.
 */
export async function LinkMark({ visit: { c, auth } }: { visit: Visit }): Promise<Rendered> {
  const token = readCookie(c, auth, linkCookie);
  return token === undefined ? null : <Hidden name={name} value={await linkMark(token)} />;
}

/** True if the form was on the page of this link. */
export async function isOfLink(form: Form, token: string): Promise<boolean> {
  return await isLinkMark(form.text(name), token);
}
