import { describe, expect, test } from "vitest";
import { renderMail } from "../../src/domain/mail-text.ts";

const url = "https://example.com/verify?token=A&next=%2F";
const escapedUrl = "https://example.com/verify?token=A&amp;next=%2F";
const parts = {
  action: { action: "Confirm" },
  code: { code: "012 345" },
  note: { note: "It works for a day." },
} as const;
/** What each part adds to the plain text, and what it must add to the HTML. */
const plainOf = {
  action: `Confirm:\n${url}`,
  code: "Or enter this code where you asked for this message: 012 345",
  note: "It works for a day.",
} as const;

/** The text of the HTML's body, and the addresses of its links. */
function shown(html: string): { text: string; links: string[] } {
  const body = /<div[^>]*>(.*)<\/div>/s.exec(html)![1]!;
  return {
    text: body
      .replace(/<[^>]*>/g, " ")
      .replace(/\s+/g, " ")
      .trim(),
    links: [...body.matchAll(/href="([^"]*)"/g)].map(([, address]) => address!),
  };
}

describe("renderMail", () => {
  const sets = [[], ["action"], ["code"], ["note"], ["action", "code", "note"]] as const;

  test.each(sets.map((names) => [names.join(", ") || "nothing else", names] as const))(
    "paragraphs and %s: both forms have these parts and no others",
    (_title, names) => {
      const text = Object.assign(
        { subject: "Hello", paragraphs: ["One.", "Two."] },
        ...names.map((name) => parts[name]),
      );
      const rendered = renderMail(text, url);
      expect(rendered.text).toBe(`${["One.", "Two.", ...names.map((name) => plainOf[name])].join("\n\n")}\n`);
      const html = shown(rendered.html);
      const asHtml = {
        action: `Confirm Or open this address: ${escapedUrl}`,
        code: plainOf.code,
        note: plainOf.note,
      };
      expect(html.text).toBe(["One. Two.", ...names.map((name) => asHtml[name])].join(" "));
      expect(html.links).toEqual(names.some((name) => name === "action") ? [escapedUrl, escapedUrl] : []);
    },
  );

  test("R029: a name with markup or a line break changes nothing around it", () => {
    const hostile = '<b>"x"</b>\r\nBcc: eve@example.com';
    const rendered = renderMail({ subject: hostile, paragraphs: [hostile], note: hostile }, url);
    expect(rendered.subject).not.toMatch(/[\r\n]/);
    expect(rendered.html).not.toContain("<b>");
    expect(shown(rendered.html).links).toEqual([]);
  });
});
