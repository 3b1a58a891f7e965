/**
 * A name for the client behind a user agent: browser and system, where they can be recognized. For display only.
 *
 * @param unknown The name of any other client. Default, as for the rest: in English.
 * @param join Writes a browser and its system.
 */
export function deviceLabel(
  userAgent: string | null,
  unknown: string = "Unknown device",
  join: (browser: string, system: string) => string = (browser, system) => `${browser} on ${system}`,
): string {
  if (userAgent === null) return unknown;
  const named = (rules: readonly (readonly [RegExp, string])[]): string | undefined =>
    rules.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = named(browsers);
  const system = named(systems);
  if (browser && system) return join(browser, system);
  return browser ?? system ?? /^[\w.-]{1,32}/.exec(userAgent)?.[0] ?? unknown;
}

/** In this order, because each also claims to be those after it. */
const browsers = [
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\b(OPR|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/^curl\//, "curl"],
] as const;

const systems = [
  [/\b(iPhone|iPod)\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
] as const;
