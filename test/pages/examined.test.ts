/** Each page of the routes is examined by axe-core, in light and dark, wide and narrow, in a state that a browser test makes. @module */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pageRoutes } from "../support/every-page.ts";
import { examinedStates, nameOf, neverShown, userPages } from "../support/examined-pages.ts";
import { openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const folder = new URL("../browser/", import.meta.url);
const sources = readdirSync(folder)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => readFileSync(new URL(name, folder), "utf8"));

/** Names that a browser test makes of a path or of another list. */
const computed: readonly { names: readonly string[]; written: string }[] = [
  { names: userPages.map((path) => nameOf("new", path)), written: 'examine(nameOf("new", path))' },
  { names: userPages.map((path) => nameOf("full", path)), written: 'examine(nameOf("full", path))' },
  { names: ["asks-security", "asks-tokens"], written: "examine(`asks-$" + "{place}`)" },
];

function isExamined(name: string): boolean {
  const written = computed.find(({ names }) => names.includes(name))?.written;
  const call = new RegExp(`examine(Page)?\\(([\\w.]+, )?"${name}"\\)`);
  return sources.some((source) => (written ? source.includes(written) : call.test(source)));
}

test("every page of the routes has a state, and no other path has one", () => {
  const pages = pageRoutes.filter(({ takes }) => takes === "nothing").map(({ path }) => path);
  expect(new Set(pages).size).toBe(pages.length);
  expect([...examinedStates.keys(), ...neverShown].sort()).toEqual([...pages].sort());
});

test.each([...examinedStates])("%s: a browser test examines each of its states", (_path, names) => {
  expect(names).not.toEqual([]);
  expect(names.filter((name) => !isExamined(name))).toEqual([]);
});

test("a name stands for one page", () => {
  const names = [...examinedStates.values()].flat();
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test.each(neverShown)("%s leads on, with and without a session", async (path) => {
  const replies = [
    await world.ask({ path }),
    await world.ask({ path, as: await world.person({ transport: "cookie" }) }),
  ];
  expect(replies.map(({ status }) => status)).toEqual([303, 303]);
});
