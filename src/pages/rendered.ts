import type { HtmlEscapedString } from "hono/utils/html";

/** What a component of Hono's JSX gives back; null for nothing. */
export type Rendered = HtmlEscapedString | Promise<HtmlEscapedString> | null;
