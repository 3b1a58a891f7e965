import { pageScript } from "./page-script.ts";
import { passkeyScript } from "./passkey-script.ts";
import type { Site } from "./site.ts";
import { style } from "./style.ts";

/** A gate with its two bars. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#1d4ed8" d="M4 30V12a12 12 0 0 1 24 0v18h-6V12a6 6 0 0 0-12 0v18z"/></svg>`;

const css = "text/css; charset=utf-8";
const script = "text/javascript; charset=utf-8";

/** Files that pages refer to: the only scripts and styles that they use. */
export function assetsOf({
  brandStyle,
}: Pick<Site, "brandStyle">): readonly { readonly path: string; readonly type: string; readonly text: string }[] {
  return [
    { path: "/pages/style.css", type: css, text: style },
    ...(brandStyle ? [{ path: "/pages/brand.css", type: css, text: brandStyle }] : []),
    { path: "/pages/page.js", type: script, text: pageScript },
    { path: "/pages/passkey.js", type: script, text: passkeyScript },
    { path: "/pages/icon.svg", type: "image/svg+xml", text: icon },
  ];
}
