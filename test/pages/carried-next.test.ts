/** The place that a user was going to, through every page of signing in, signing up and a forgotten password. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthError } from "../../src/domain/error.ts";
import { placeOfRefusal } from "../../src/http/routes/provider-refusals.ts";
import { freshIdentifier, goodPassword, otherPassword, type Person } from "../support/auth.ts";
import { pageRoutes } from "../support/every-page.ts";
import { addApp } from "../support/factors.ts";
import { mailed, withVerifiedAddress } from "../support/links.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";
import { practiceProvider } from "../support/practice-provider.ts";

const next = "https://app.example.com/in?a=1";
const query = `?${new URLSearchParams({ next })}`;
const settings = {
  returnTo: [next],
  federation: { providers: [practiceProvider()], domains: { "acme.example": "practice" } },
};

/** With sign-up at once, and with a mailed link first. */
let open: PageWorld;
let linkFirst: PageWorld;
beforeAll(async () => {
  open = await openPages({ auth: settings });
  linkFirst = await openPages({ auth: { ...settings, signUp: "verify-first" } });
});
afterAll(async () => {
  await open.close();
  await linkFirst.close();
});

/** Paths that belong to a way in, and so lead on to the place. */
const isOnTheWay = (path: string) =>
  /^\/(sign-in|sign-up|forgot|reset|check-mail)(\/|$)|^\/auth\/oidc\/\w+\/start$/.test(path);

const unescaped = (text: string) => text.replaceAll("&amp;", "&").replaceAll("&quot;", '"');
const urlOf = (path: string) => new URL(unescaped(path), "https://example.com");
const carries = (url: URL) => {
  const carried = url.searchParams.get("next");
  return [next, `/account/review${query}`, `/account/identities/link${query}`].includes(carried ?? "");
};

/** The links and forms of a page that lead on along the way: those that carry the place, and those that lose it. */
function followed({ text, location }: PageReply): { kept: string[]; lost: string[] } {
  const [kept, lost]: [string[], string[]] = [[], []];
  const note = (name: string, isKept: boolean) => void (isKept ? kept : lost).push(name);
  if (location !== null && isOnTheWay(urlOf(location).pathname)) note(`redirect ${location}`, carries(urlOf(location)));
  for (const [, href] of text.matchAll(/<a [^>]*href="([^"]*)"/g)) {
    const url = urlOf(href!);
    if (url.origin === "https://example.com" && isOnTheWay(url.pathname)) note(`link ${href}`, carries(url));
  }
  for (const [form, path] of text.matchAll(/<form [^>]*action="([^"]*)".*?<\/form>/gs)) {
    const action = urlOf(path!);
    const hidden = /name="next" value="([^"]*)"/.exec(form)?.[1];
    if (isOnTheWay(action.pathname)) {
      note(`form ${action.pathname}`, carries(action) || (hidden !== undefined && unescaped(hidden) === next));
    }
  }
  for (const [, attributes] of text.matchAll(/<\w+ ([^>]*data-finish=[^>]*)>/g)) {
    note("passkey", unescaped(/data-next="([^"]*)"/.exec(attributes!)?.[1] ?? "") === next);
  }
  return { kept, lost };
}

const verified = async (world: PageWorld) => await withVerifiedAddress(world, await world.person());
const cookie = (name: string, value: string) => ({ [`__Host-${name}`]: value });
const cookieOf = ({ setCookies }: PageReply, name: string) =>
  cookie(name, new RegExp(`^__Host-${name}=([^;]*)`, "m").exec(setCookies.join("\n"))![1]!);

/** The cookies of a sign-in that waits for its second factor. */
async function ticketOf(person: Pick<Person, "identifier">): Promise<Record<string, string>> {
  const form = { identifier: person.identifier, password: goodPassword, next };
  const reply = await open.ask({ path: "/sign-in", form });
  expect(followed(reply)).toMatchObject({ kept: [expect.stringContaining("redirect")], lost: [] });
  return cookieOf(reply, "login-ticket");
}

async function enrolling(): Promise<Record<string, string>> {
  const person = await open.person();
  await open.requireFactor(person.userId);
  return await ticketOf(person);
}

const asked = (world: PageWorld, path: string, identifier = freshIdentifier()) =>
  world.ask({ path, form: { identifier, next } });

/** Each state of each page of the ways in, opened or sent with the place. */
const states: Record<string, Record<string, () => Promise<PageReply>>> = {
  "/sign-in": {
    opened: () => open.ask({ path: `/sign-in${query}` }),
    "wrong password": () =>
      open.ask({ path: "/sign-in", form: { identifier: freshIdentifier(), password: otherPassword, next } }),
    "after a refusal at a provider": () => open.ask({ path: `/sign-in${query}&refusal=unauthorized.provider` }),
  },
  "/sign-up": {
    "opened, at once": () => open.ask({ path: `/sign-up${query}` }),
    "refused, at once": () =>
      open.ask({ path: "/sign-up", form: { identifier: freshIdentifier(), password: "short", next } }),
    "taken, at once": async () => {
      const { identifier } = await open.person();
      return await open.ask({ path: "/sign-up", form: { identifier, password: otherPassword, next } });
    },
    "opened, with a link first": () => linkFirst.ask({ path: `/sign-up${query}` }),
    "refused, with a link first": () => asked(linkFirst, "/sign-up", "ada"),
    sent: () => asked(linkFirst, "/sign-up"),
  },
  "/sign-up/finish": {
    "without a link": () => linkFirst.ask({ path: `/sign-up/finish${query}` }),
    "with a link": async () => {
      const { token } = await mailed(linkFirst, "signUp", freshIdentifier());
      return await linkFirst.ask({ path: `/sign-up/finish${query}`, cookies: cookie("mailed-link", token) });
    },
    "link opened": async () => {
      const { token } = await mailed(linkFirst, "signUp", freshIdentifier());
      return await linkFirst.ask({ path: `/sign-up/finish${query}&token=${token}` });
    },
    "another link opened since": () =>
      linkFirst.ask({
        path: "/sign-up/finish",
        cookies: cookie("mailed-link", "A".repeat(43)),
        form: { link: "other", next },
      }),
    refused: async () => {
      const { token } = await mailed(linkFirst, "signUp", freshIdentifier());
      const form = { password: "short", next };
      return await linkFirst.ask({ path: "/sign-up/finish", cookies: cookie("mailed-link", token), form });
    },
    dead: () =>
      linkFirst.ask({
        path: "/sign-up/finish",
        cookies: cookie("mailed-link", "A".repeat(43)),
        form: { password: otherPassword, next },
      }),
    "taken meanwhile": async () => {
      const identifier = freshIdentifier();
      const { token } = await mailed(linkFirst, "signUp", identifier);
      const auth = linkFirst.isolate({ signUp: "open" });
      await auth.signUp({ identifier, password: goodPassword, transport: "token" });
      const form = { password: otherPassword, next };
      return await linkFirst.ask({ path: "/sign-up/finish", cookies: cookie("mailed-link", token), form });
    },
  },
  "/forgot": {
    opened: () => open.ask({ path: `/forgot${query}` }),
    sent: () => asked(open, "/forgot"),
    refused: async () => {
      const { identifier } = await open.person();
      for (let time = 0; time < 5; time++) await asked(open, "/forgot", identifier);
      return await asked(open, "/forgot", identifier);
    },
  },
  "/reset": {
    "without a link": () => open.ask({ path: `/reset${query}` }),
    "link opened": () => open.ask({ path: `/reset${query}&token=${"A".repeat(43)}` }),
    "with a link": async () => {
      const { token } = await mailed(open, "reset", (await verified(open)).identifier);
      return await open.ask({ path: `/reset${query}`, cookies: cookie("mailed-link", token) });
    },
    refused: async () => {
      const { token } = await mailed(open, "reset", (await verified(open)).identifier);
      return await open.ask({
        path: "/reset",
        cookies: cookie("mailed-link", token),
        form: { password: "short", next },
      });
    },
    done: async () => {
      const { token } = await mailed(open, "reset", (await verified(open)).identifier);
      const form = { password: otherPassword, next };
      return await open.ask({ path: "/reset", cookies: cookie("mailed-link", token), form });
    },
  },
  "/check-mail": Object.fromEntries(
    (
      [
        ["reset_password", "/forgot", () => open],
        ["sign_in", "/sign-in/link/request", () => open],
        ["sign_up", "/sign-up", () => linkFirst],
      ] as const
    ).flatMap(([purpose, path, world]) => {
      const page = `/check-mail${query}&for=${purpose}`;
      const form = { for: purpose, code: "none", next };
      return [
        [`${purpose}, in another browser`, () => world().ask({ path: page })],
        [
          `${purpose}, in the browser that asked`,
          async () => await world().ask({ path: page, cookies: cookieOf(await asked(world(), path), "mail-request") }),
        ],
        [
          `${purpose}, wrong code`,
          async () =>
            await world().ask({
              path: "/check-mail",
              cookies: cookieOf(await asked(world(), path), "mail-request"),
              form,
            }),
        ],
      ];
    }),
  ),
  "/sign-in/link": {
    opened: () => open.ask({ path: `/sign-in/link${query}` }),
    "link opened": () => open.ask({ path: `/sign-in/link${query}&token=${"A".repeat(43)}` }),
    "dead link": () => open.ask({ path: `/sign-in/link${query}`, cookies: cookie("mailed-link", "A".repeat(43)) }),
    "with a link": async () => {
      const { token } = await mailed(open, "signIn", (await verified(open)).identifier);
      return await open.ask({ path: `/sign-in/link${query}`, cookies: cookie("mailed-link", token) });
    },
    "spent link": () =>
      open.ask({ path: "/sign-in/link", cookies: cookie("mailed-link", "A".repeat(43)), form: { next } }),
    sent: () => asked(open, "/sign-in/link/request"),
    "to a second factor": async () => {
      const { person } = await addApp(open, await verified(open));
      const { token } = await mailed(open, "signIn", person.identifier);
      return await open.ask({ path: "/sign-in/link", cookies: cookie("mailed-link", token), form: { next } });
    },
  },
  "/sign-in/identity": { opened: () => open.ask({ path: `/sign-in/identity${query}` }) },
  "/sign-in/organization": {
    opened: () => open.ask({ path: `/sign-in/organization${query}` }),
    unknown: () => open.ask({ path: `/sign-in/organization${query}`, form: { identifier: freshIdentifier() } }),
    found: () => open.ask({ path: `/sign-in/organization${query}`, form: { identifier: "ada@acme.example" } }),
  },
  "/sign-in/second-factor": {
    "without a ticket": () => open.ask({ path: `/sign-in/second-factor${query}` }),
    "with a ticket": async () => {
      const cookies = await ticketOf((await addApp(open, await open.person())).person);
      return await open.ask({ path: `/sign-in/second-factor${query}&with=totp+webauthn+recovery`, cookies });
    },
    "wrong code": async () => {
      const cookies = await ticketOf((await addApp(open, await open.person())).person);
      const form = { type: "totp", with: "totp", code: "000000", next };
      return await open.ask({ path: "/sign-in/second-factor", cookies, form });
    },
    "dead ticket": () =>
      open.ask({
        path: "/sign-in/second-factor",
        cookies: cookie("login-ticket", "A".repeat(43)),
        form: { type: "totp", code: "000000", next },
      }),
  },
  "/sign-in/enroll": {
    "without a ticket": () => open.ask({ path: `/sign-in/enroll${query}` }),
    "with a ticket": async () => await open.ask({ path: `/sign-in/enroll${query}`, cookies: await enrolling() }),
    refused: async () =>
      await open.ask({ path: "/sign-in/enroll", cookies: await enrolling(), form: { label: "\u0001", next } }),
    "wrong code": async () => {
      const cookies = await enrolling();
      const shown = await open.ask({ path: "/sign-in/enroll", cookies, form: { label: "phone", next } });
      expect(followed(shown)).toMatchObject({ kept: ["form /sign-in/enroll/confirm"], lost: [] });
      const id = /name="factor_id" value="([^"]*)"/.exec(shown.text)![1]!;
      return await open.ask({
        path: "/sign-in/enroll/confirm",
        cookies,
        form: { factor_id: id, code: "000000", next },
      });
    },
  },
};

test("every page on a way in is in the table", () => {
  const pages = pageRoutes.filter(({ path, takes }) => takes === "nothing" && isOnTheWay(path)).map(({ path }) => path);
  expect(Object.keys(states).sort()).toEqual(pages.sort());
});

describe.each(Object.entries(states))("%s", (_path, cases) => {
  test.each(Object.entries(cases))("%s: every link, form and redirect carries the place", async (_case, reply) => {
    const { kept, lost } = followed(await reply());
    expect(lost).toEqual([]);
    expect(kept).not.toEqual([]);
  });
});

test("a refusal at a provider leads to the sign-in page with the place, and with no place that is not listed", () => {
  const refused = (asked: string | undefined) =>
    placeOfRefusal(open.auth, new AuthError("unauthorized.provider"), {
      isInSession: false,
      next: asked,
      provider: "practice",
    });
  const plain = "/sign-in?refusal=unauthorized.provider&provider=practice";
  expect(refused(next)).toBe(`/sign-in${query}&refusal=unauthorized.provider&provider=practice`);
  expect(refused("/account/tokens")).toContain("next=%2Faccount%2Ftokens");
  for (const other of [undefined, "/account", "https://evil.example/", "//evil.example", "/\\evil.example", "evil"]) {
    expect(refused(other), other).toBe(plain);
  }
});

test.each([
  [`/account/review${query}`, `/account/review${query}`],
  [`/account/step-up${query}`, next],
  ["/account/tokens?next=https%3A%2F%2Fevil.example", "/account/tokens"],
])("a page for users, opened without a session: %s leads back to %s", async (path, place) => {
  const { location } = await open.ask({ path });
  expect(urlOf(location!).searchParams.get("next")).toBe(place);
});
