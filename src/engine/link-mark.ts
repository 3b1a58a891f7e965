import { constantTimeEqual, utf8 } from "../crypto/bytes.ts";
import { sha256Base64Url } from "../crypto/digest.ts";

/** Names a mailed link without its secret: 128 bits of a digest that has no other use. */
export async function linkMark(token: string): Promise<string> {
  return (await sha256Base64Url(`sallyport form of a mailed link ${token}`)).slice(0, 22);
}

/** True if the mark names this link. */
export async function isLinkMark(mark: string, token: string): Promise<boolean> {
  return constantTimeEqual(utf8(mark), utf8(await linkMark(token)));
}
