import { isLinkMark, linkMark } from "../engine/link-mark.ts";
import { linkCookie, type mailRequestCookie, readCookie } from "../http/cookies.ts";
import type { Form } from "./form.ts";
import { Hidden } from "./parts.tsx";
import type { Rendered } from "./rendered.ts";
import type { Visit } from "./route.ts";

const name = "link";

/**
 * Binds a form to the link whose page it is on. A browser keeps the secret of one opened link, so a link that is opened in another
 * tab takes its place. The same is true of the last message that it asked for, whose code the form of that page takes.
 *
 * @param of The cookie that names the link or the message. Default: the opened link.
 */
export async function LinkMark({
  visit: { c, auth },
  of = linkCookie,
}: {
  visit: Visit;
  of?: typeof linkCookie | typeof mailRequestCookie;
}): Promise<Rendered> {
  const token = readCookie(c, auth, of);
  return token === undefined ? null : <Hidden name={name} value={await linkMark(token)} />;
}

/** True if the form was on the page of this link, or of this message. */
export async function isOfLink(form: Form, token: string): Promise<boolean> {
  return await isLinkMark(form.text(name), token);
}
