import { passkeyScript } from "./passkey-script.ts";
import { style } from "./style.ts";

/** A gate with its two bars. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#1d4ed8" d="M4 30V12a12 12 0 0 1 24 0v18h-6V12a6 6 0 0 0-12 0v18z"/></svg>`;

/** Files that pages refer to: the only script and the only style that they use. */
export const assets: readonly { readonly path: string; readonly type: string; readonly text: string }[] = [
  { path: "/pages/style.css", type: "text/css; charset=utf-8", text: style },
  { path: "/pages/passkey.js", type: "text/javascript; charset=utf-8", text: passkeyScript },
  { path: "/pages/icon.svg", type: "image/svg+xml", text: icon },
];
