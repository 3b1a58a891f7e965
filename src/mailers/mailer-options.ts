import { requireOption } from "../domain/option-error.ts";

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

/**
 * The address of `localhost`, 127.0.0.0/8 or ::1, or `undefined` for a host that can be another machine.
 *
 * The name becomes an address, because nodemailer asks the DNS for `localhost`, and a DNS server can answer anything.
 */
export function loopbackAddress(host: string): string | undefined {
  if (/^localhost$/i.test(host)) return "127.0.0.1";
  if (/^(?:::1|\[::1])$/.test(host)) return "::1";
  return new RegExp(`^127(?:\\.${octet}){3}$`).test(host) ? host : undefined;
}

/** @throws {OptionError} */
export function requireTimeout(milliseconds: number): void {
  const isWithin = Number.isInteger(milliseconds) && milliseconds >= 100 && milliseconds <= 60_000;
  requireOption(isWithin, milliseconds, "a whole number from 100 to 60000", "timeoutMilliseconds");
}

/** @throws {OptionError} If it is not a text of visible characters. The message does not show it. */
export function requireText(value: unknown, wanted: string, option: string): void {
  requireOption(typeof value === "string" && value.trim() !== "", value, wanted, option);
}
