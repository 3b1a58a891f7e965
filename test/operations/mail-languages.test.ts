import { describe, expect, test } from "vitest";
import type { MailKind, MailLanguage } from "../../src/domain/mail-text.ts";
import { englishMail } from "../../src/domain/mail-texts/english.ts";
import { germanMail } from "../../src/domain/mail-texts/german.ts";
import { type NoticeKind, noticeOf } from "../../src/domain/notices.ts";
import { ConfigurationError } from "../../src/index.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, otherPassword, outcome, system, type World } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { noticeTo, recoveryOf, withNewAddress, withVerifiedAddress } from "../support/links.ts";
import { organizationsIn } from "../support/organizations.ts";

const german = "fr, de-AT;q=0.9, en;q=0.1";

type Asks = (world: World, acceptLanguage?: string) => Promise<string>;
const verified = async (world: World) => await withVerifiedAddress(world, await world.person());
const context = () => ({ address: freshAddress() });

/** The messages that a request asks for: each returns the address that gets it. */
const requested = {
  verify_identifier: async (world, acceptLanguage) => {
    const { actor, identifier } = await world.person();
    await world.auth.identifiers.requestVerification({ actor, acceptLanguage });
    return identifier;
  },
  reset_password: async (world, acceptLanguage) => {
    const { identifier } = await verified(world);
    await world.auth.passwordReset.request({ identifier, acceptLanguage, context: context() });
    return identifier;
  },
  sign_in: async (world, acceptLanguage) => {
    const { identifier } = await verified(world);
    await world.auth.mailedSignIn.request({ identifier, acceptLanguage, context: context() });
    return identifier;
  },
  sign_up: async (world, acceptLanguage) => {
    const identifier = freshIdentifier();
    await world.auth.mailedSignUp.request({ identifier, acceptLanguage, context: context() });
    return identifier;
  },
  sign_up_taken: async (world, acceptLanguage) => {
    const { identifier } = await world.person();
    await world.auth.mailedSignUp.request({ identifier, acceptLanguage, context: context() });
    return identifier;
  },
  change_identifier: async (world, acceptLanguage) => {
    const identifier = freshIdentifier();
    const { actor } = await world.person();
    await world.auth.identifiers.requestChange({ actor, identifier, acceptLanguage });
    return identifier;
  },
  change_identifier_taken: async (world, acceptLanguage) => {
    const [{ actor }, { identifier }] = [await world.person(), await world.person()];
    await world.auth.identifiers.requestChange({ actor, identifier, acceptLanguage });
    return identifier;
  },
  invitation: async (world, acceptLanguage) => {
    const identifier = freshIdentifier();
    await world.auth.invitations.create({ actor: system, identifier, acceptLanguage });
    return identifier;
  },
  organization_invitation: async (world, acceptLanguage) => {
    const identifier = freshIdentifier();
    const { actor, organizationId } = await organizationsIn(world).form();
    const asked = { actor, organizationId, identifier, role: "member", acceptLanguage } as const;
    await world.auth.organizationInvitations.create(asked);
    return identifier;
  },
} as const satisfies Partial<Record<MailKind, Asks>>;

/** The messages that nobody who reads them has asked for. Whoever caused them must not choose their language. */
const unasked = {
  address_replaced: async (world) => {
    const { before } = await withNewAddress(world, await verified(world));
    return before;
  },
  address_restored: async (world) => {
    const { identifier, back } = await withNewAddress(world, await verified(world));
    await world.auth.notices.disown({ token: back, acceptLanguage: german, context: context() });
    return identifier;
  },
  recovery_started: async (world) => {
    const person = await verified(world);
    await recoveryOf(world, person);
    return person.identifier;
  },
  recover_account: async (world) => (await recoveryOf(world, await verified(world))).identifier,
  recovery_finished: async (world) => {
    const person = await verified(world);
    const { token } = await recoveryOf(world, person);
    await world.auth.recovery.finish({ token, password: otherPassword, context: context() });
    return person.identifier;
  },
  token_made: async (world) => {
    const { actor, userId, identifier } = await verified(world);
    await world.auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: [] });
    return identifier;
  },
} as const satisfies Partial<Record<MailKind, (world: World) => Promise<string>>>;

const subjectOf = ({ texts }: MailLanguage, kind: MailKind) => texts[kind].subject.replace("{site}", "example.com");

describeWorld("the language of messages", { on: ["pglite", "postgres"] }, (world) => {
  const speaking = (...languages: MailLanguage[]): World => {
    const auth = world.isolate({ database: world.counting, mail: { mailer: world.mailbox, languages } });
    return Object.create(world, { auth: { value: auth } });
  };
  const both = () => speaking(englishMail, germanMail);
  /** Delivers, and returns the newest message to an address. */
  const received = async ({ auth, mailbox }: World, address: string) => {
    await auth.mail.deliver();
    await mailbox.arrival(address);
    return mailbox.newestTo(address);
  };

  describe.each(Object.keys(requested) as (keyof typeof requested)[])("%s", (kind) => {
    test("in the language that the request asks for, if it is listed", async () => {
      for (const [acceptLanguage, language] of [
        [german, germanMail],
        ["en", englishMail],
        ["fr", englishMail],
        [undefined, englishMail],
      ] as const) {
        const spoken = both();
        const address = await requested[kind](spoken, acceptLanguage);
        const { subject, text, html } = await received(spoken, address);
        expect([acceptLanguage, subject]).toEqual([acceptLanguage, subjectOf(language, kind)]);
        expect(html).toContain(`<html lang="${language.tag}">`);
        expect(text).toContain(language.texts[kind].action);
        expect(text).toContain(language.texts[kind].note);
      }
    });

    test("with English alone, and with another first language", async () => {
      const alone = speaking(englishMail);
      const toEnglish = await requested[kind](alone, german);
      expect((await received(alone, toEnglish)).subject).toBe(subjectOf(englishMail, kind));
      const reversed = speaking(germanMail, englishMail);
      const toGerman = await requested[kind](reversed, "fr");
      expect((await received(reversed, toGerman)).subject).toBe(subjectOf(germanMail, kind));
    });
  });

  test.each(Object.keys(unasked) as (keyof typeof unasked)[])(
    "%s: in the first language, whatever the request asked for",
    async (kind) => {
      for (const language of [englishMail, germanMail]) {
        const spoken = speaking(language, ...[englishMail, germanMail].filter((one) => one !== language));
        const { subject } = await received(spoken, await unasked[kind](spoken));
        expect(subject).toBe(subjectOf(language, kind));
      }
    },
  );

  test("every kind of message is one of these, or a notice of the trigger", () => {
    const notices = new Set<NoticeKind>(noticeOf().values());
    const others = (Object.keys(englishMail.texts) as MailKind[]).filter((kind) => !notices.has(kind as NoticeKind));
    const named = [...Object.keys(requested), ...Object.keys(unasked)].filter(
      (kind) => !notices.has(kind as NoticeKind),
    );
    expect(named.sort()).toEqual(others.sort());
  });

  test("“this was not me”: the link for a new password is in its reader's language", async () => {
    const spoken = both();
    const person = await spoken.person();
    const token = await noticeTo(spoken, person);
    await spoken.auth.notices.disown({ token, acceptLanguage: german, context: context() });
    expect((await received(spoken, person.identifier)).subject).toBe(subjectOf(germanMail, "reset_password"));
  });

  test.each([
    "de'; drop table mail_message; --",
    "<b>de</b>",
    "de\r\nBcc: eve@example.com",
    "__proto__",
    "constructor",
    `${"x-".repeat(10_000)}`,
    "\u0000",
    "{site}",
  ])("a client's own text %j is not stored, and asks for nothing", async (acceptLanguage) => {
    const spoken = both();
    const address = await requested.sign_up(spoken, acceptLanguage);
    const rows = await world.rows<{ content: Record<string, unknown> }>(sql`
      select content from mail_message where recipient = ${address}`);
    expect(rows.map(({ content }) => content.language)).toEqual(["en"]);
    expect((await received(spoken, address)).subject).toBe(subjectOf(englishMail, "sign_up"));
  });

  test("a message whose language is no longer listed is in the first one", async () => {
    const address = await requested.sign_up(both(), german);
    const { subject, text } = await received(speaking(englishMail), address);
    expect(subject).toBe(subjectOf(englishMail, "sign_up"));
    expect(text).toContain("/sign-up/finish?token=");
  });

  test("a message of an earlier release, which names no language, is in the first one", async () => {
    const address = await requested.sign_up(both(), german);
    await world.rows(
      sql`update mail_message set content = content - 'language' where recipient = ${address} returning id`,
    );
    expect((await received(speaking(germanMail), address)).subject).toBe(subjectOf(germanMail, "sign_up"));
  });

  test("a language of the application's own, with one text of its own", async () => {
    const own = {
      ...englishMail,
      texts: { ...englishMail.texts, sign_up: { subject: "Ahoy {site}", paragraphs: ["{address}"] } },
    };
    const spoken = speaking({ ...own, tag: "en-x-pirate" }, germanMail);
    const address = await requested.sign_up(spoken, "en");
    expect(await received(spoken, address)).toMatchObject({ subject: "Ahoy example.com" });
  });

  test("S57: no language costs a request, and each address costs the same work", async () => {
    const spoken = both();
    const known = (await verified(spoken)).identifier;
    const work: unknown[] = [];
    for (const acceptLanguage of [undefined, german, "en"]) {
      for (const identifier of [known, freshIdentifier()]) {
        world.counting.reset();
        await spoken.auth.passwordReset.request({ identifier, acceptLanguage, context: context() });
        work.push([world.counting.requests, [...world.counting.statements]]);
      }
    }
    expect(new Set(work.map((one) => JSON.stringify(one))).size).toBe(1);
    expect((work[0] as [number])[0]).toBe(1);
  });

  test("codes and links of a German message work", async () => {
    const spoken = both();
    const { actor } = await spoken.person();
    const identifier = freshIdentifier();
    const { requestToken } = await spoken.auth.identifiers.requestChange({ actor, identifier, acceptLanguage: german });
    await received(spoken, identifier);
    const { mailbox, auth } = spoken;
    expect(mailbox.newestTo(identifier).subject).toBe(subjectOf(germanMail, "change_identifier"));
    const code = mailbox.codeTo(identifier);
    const { token } = await auth.mailedCodes.exchange({ requestToken, code, context: context() });
    expect(await outcome(auth.identifiers.confirmChange({ actor, token, transport: "token" }))).toBe("done");
  });

  test.each<[string, unknown]>([
    ["none", []],
    ["no list", "de"],
    ["a tag alone", ["de"]],
    ["one tag twice", [englishMail, { ...germanMail, tag: "EN" }]],
    ["a tag with markup", [{ ...germanMail, tag: 'de"><b>' }]],
    ["a language without texts", [{ tag: "de" }]],
    ["a language without a text", [{ ...germanMail, texts: { ...germanMail.texts, sign_in: undefined } }]],
    ["a text that is a function", [{ ...germanMail, texts: { ...germanMail.texts, sign_in: () => ({}) } }]],
    ["a text without a subject", [{ ...germanMail, texts: { ...germanMail.texts, sign_in: { paragraphs: ["x"] } } }]],
    ["a language without a role", [{ ...germanMail, phrases: { ...germanMail.phrases, "role.guest": undefined } }]],
    ["a language without a phrase", [{ ...germanMail, phrases: { ...germanMail.phrases, code: undefined } }]],
  ])("languages, %s: a configuration error that names the option", async (_case, languages) => {
    const auth = world.isolate({ mail: { mailer: world.mailbox, languages: languages as MailLanguage[] } });
    const identifier = freshIdentifier();
    for (const asked of [
      () => auth.mailedSignUp.request({ identifier, context: context() }),
      () => auth.invitations.create({ actor: system, identifier }),
      () => auth.mail.deliver(),
    ]) {
      const error = await asked().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error).toMatchObject({ option: "languages" });
    }
    expect(await outcome(world.auth.mailedSignUp.request({ identifier, context: context() }))).toBe("done");
  });
});
