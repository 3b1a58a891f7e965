import { describe, expect, test } from "vitest";
import { type MailKind, type MailLanguage, renderMail } from "../../src/domain/mail-text.ts";
import { englishMail } from "../../src/domain/mail-texts/english.ts";
import { germanMail } from "../../src/domain/mail-texts/german.ts";
import { roles } from "../../src/domain/membership.ts";

const url = "https://example.com/verify?token=A&next=%2F";
const escapedUrl = "https://example.com/verify?token=A&amp;next=%2F";
const kinds = Object.keys(englishMail.texts) as MailKind[];
const languages = [englishMail, germanMail];
const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const facts = {
  site: "Acme",
  address: "ada@example.com",
  url,
  code: "012345",
  event: { at: new Date("2026-11-30T12:34:56Z"), userAgent: firefox, ip: "203.0.113.7" },
};

/** A language with one text under test. */
const speaking = (text: MailLanguage["texts"][MailKind]): MailLanguage => ({
  ...englishMail,
  texts: { ...englishMail.texts, sign_in: text },
});

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
  const parts = { action: "Confirm", note: "It works for a day." } as const;
  /** What each part adds to the plain text, and what it must add to the HTML. */
  const plainOf = {
    action: `Confirm:\n${url}`,
    code: "Or enter this code where you asked for this message, within ten minutes of asking: 012 345",
    note: "It works for a day.",
  } as const;
  const htmlOf = { ...plainOf, action: `Confirm Or open this address: ${escapedUrl}` } as const;
  const sets = [[], ["action"], ["code"], ["note"], ["action", "code", "note"]] as const;

  test.each(sets.map((names) => [names.join(", ") || "nothing else", names] as const))(
    "paragraphs and %s: both forms have these parts and no others",
    (_title, names: readonly (keyof typeof plainOf)[]) => {
      const { code, ...others } = facts;
      const text = {
        subject: "Hello",
        paragraphs: ["One.", "Two."],
        ...(names.includes("action") && { action: parts.action }),
        ...(names.includes("note") && { note: parts.note }),
      };
      const rendered = renderMail(speaking(text), "sign_in", { ...others, ...(names.includes("code") && { code }) });
      expect(rendered.text).toBe(`${["One.", "Two.", ...names.map((name) => plainOf[name])].join("\n\n")}\n`);
      const html = shown(rendered.html);
      expect(html.text).toBe(["One. Two.", ...names.map((name) => htmlOf[name])].join(" "));
      expect(html.links).toEqual(names.includes("action") ? [escapedUrl, escapedUrl] : []);
    },
  );

  test("without a link: neither its label nor its note", () => {
    for (const language of languages) {
      const { text, html } = renderMail(language, "password_changed", { ...facts, url: undefined, code: undefined });
      const { action, note } = language.texts.password_changed;
      for (const form of [text, html]) {
        expect(form).not.toContain(action);
        expect(form).not.toContain(note);
        expect(form).not.toContain("https://");
      }
    }
  });

  const hostile = '<b>"x"</b>\r\nBcc: eve@example.com {address} {url} {code} $& $1 {constructor}';

  test.each(languages.map((language) => [language.tag, language] as const))(
    "R029, %s: a hostile name, address, device or network changes nothing around it, in any message",
    (_tag, language) => {
      for (const kind of kinds) {
        const event = { at: facts.event.at, userAgent: `${hostile}`, ip: hostile };
        const { subject, text, html } = renderMail(language, kind, {
          ...facts,
          site: hostile,
          address: hostile,
          event,
        });
        expect(subject).not.toMatch(/\p{Cc}/u);
        expect(text).not.toContain("\r");
        expect(html).not.toContain("<b>");
        expect(html).not.toMatch(/<[^>]*eve@/);
        const { action } = language.texts[kind];
        expect(shown(html).links).toEqual(action === undefined ? [] : [escapedUrl, escapedUrl]);
        // A slot in a value is no slot.
        expect(subject).toContain("{address} {url} {code}");
        expect([...text.matchAll(/token=A/g)]).toHaveLength(action === undefined ? 0 : 1);
      }
    },
  );

  test("a slot that a text may not have stays as it is written", () => {
    const subject = "{site} {address} {url} {code} {circumstances} {constructor} {__proto__}";
    const rendered = renderMail(speaking({ subject, paragraphs: ["{url} {code} {toString}"] }), "sign_in", facts);
    expect(rendered.subject).toBe("Acme {address} {url} {code} {circumstances} {constructor} {__proto__}");
    expect(rendered.text).toMatch(/^\{url\} \{code\} \{toString\}\n/);
  });

  test("a language's own markup is text too", () => {
    const text = { subject: "<i>", paragraphs: ["<i>{site}</i>"], action: "<i>", note: "<i>" };
    expect(renderMail(speaking(text), "sign_in", facts).html).not.toContain("<i>");
  });

  test("a notice says when and where, as each language writes it", () => {
    const said = languages.map(
      (language) => renderMail(language, "password_changed", { ...facts, code: undefined }).text.split("\n\n")[1],
    );
    expect(said).toEqual([
      "When: 30 Nov 2026, 12:34 UTC. Device: Firefox on Linux. Network address: 203.0.113.7.",
      "Zeitpunkt: 30.11.2026, 12:34 UTC. Gerät: Firefox unter Linux. Netzwerkadresse: 203.0.113.7.",
    ]);
    const unknown = languages.map((language) => {
      const event = { at: facts.event.at, userAgent: null };
      return renderMail(language, "password_changed", { ...facts, event }).text.split("\n\n")[1];
    });
    expect(unknown).toEqual([
      "When: 30 Nov 2026, 12:34 UTC. Device: Unknown device.",
      "Zeitpunkt: 30.11.2026, 12:34 UTC. Gerät: unbekannt.",
    ]);
  });
});

describe("the catalogues", () => {
  const slotsIn = (text: string): string[] => [...text.matchAll(/\{(.*?)\}/g)].map(([, name]) => name!);
  /** The slots that each part may have. Subjects are shown on locked screens and kept in logs. */
  const allowed = { subject: ["site"], paragraphs: ["address", "circumstances", "site"], action: [], note: ["site"] };

  test.each(languages.map((language) => [language.tag, language] as const))(
    "%s: every text has only the slots that are filled, and no secret or address in a subject",
    (_tag, { texts, phrases }) => {
      expect(kinds.length).toBeGreaterThan(25);
      for (const kind of kinds) {
        for (const [part, text] of Object.entries(texts[kind])) {
          const slots = [text].flat().flatMap(slotsIn);
          const isFilled = (slot: string) =>
            allowed[part as keyof typeof allowed].includes(slot as never) ||
            // Only an invitation to an organization and notices of memberships name one, and not in their subject.
            (slot === "organization" && /^(organization|membership)_/.test(kind) && part === "paragraphs") ||
            (slot === "role" && kind === "membership_given" && part === "paragraphs");
          expect([kind, part, slots.filter((slot) => !isFilled(slot))]).toEqual([kind, part, []]);
        }
        expect([kind, texts[kind].paragraphs.flatMap(slotsIn)].flat()).toContain("site");
        expect([kind, texts[kind].paragraphs.flatMap(slotsIn)].flat()).toContain("address");
      }
      expect(Object.fromEntries(Object.entries(phrases).map(([name, text]) => [name, slotsIn(text)]))).toEqual({
        code: [],
        link: [],
        when: ["time"],
        device: ["device"],
        ip: ["ip"],
        browserAndSystem: ["browser", "system"],
        unknownDevice: [],
        unnamedOrganization: [],
        ...Object.fromEntries(roles.map((role) => [`role.${role}`, []])),
      });
    },
  );

  test("German has the messages of English, with the same parts and slots, and its own words in each", () => {
    expect(Object.keys(germanMail.texts).sort()).toEqual([...kinds].sort());
    for (const kind of kinds) {
      const [english, german] = [englishMail.texts[kind], germanMail.texts[kind]];
      expect([kind, ...Object.keys(german)]).toEqual([kind, ...Object.keys(english)]);
      for (const part of Object.keys(english) as (keyof typeof english)[]) {
        const [one, other] = [[english[part]!].flat(), [german[part]!].flat()];
        expect([kind, part, other.map((text) => slotsIn(text).sort())]).toEqual([
          kind,
          part,
          one.map((text) => slotsIn(text).sort()),
        ]);
        const same = other.filter((text) => one.includes(text) && text !== "{circumstances}");
        expect([kind, part, same]).toEqual([kind, part, []]);
      }
    }
  });

  test.each(languages.map((language) => [language.tag, language] as const))(
    "%s: each message in both forms, without a slot left and without the secret in its subject",
    (tag, language) => {
      for (const kind of kinds) {
        const { subject, text, html } = renderMail(language, kind, facts);
        expect(html).toContain(`<html lang="${tag}">`);
        for (const form of [subject, text, html])
          expect(form.replace(/style="[^"]*"/g, "")).not.toMatch(/[{}]|undefined/);
        expect(subject).not.toMatch(/token=|012|https:|ada@/);
        expect(subject).toContain("Acme");
        expect(text).toContain("ada@example.com");
      }
    },
  );
});
