import type { HtmlEscapedString } from "hono/utils/html";

/** The return value of a component of Hono's JSX; null for nothing. */
export type Rendered = HtmlEscapedString | Promise<HtmlEscapedString> | null;
