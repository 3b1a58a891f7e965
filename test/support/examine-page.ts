/**
 * How a page looks and sounds: in light and dark, wide and narrow, and by axe-core's rules. With `SCREENSHOTS=yes`, pictures go
 * to `.sallyport/screenshots`.
 *
 * @module
 */
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { pathOfState } from "./examined-pages.ts";
import { faultsOfLayout } from "./layout.ts";

const folder = fileURLToPath(new URL("../../.sallyport/screenshots/", import.meta.url));
const isShown = process.env.SCREENSHOTS === "yes";
const schemes = ["light", "dark"] as const;
const widths = [1280, 320] as const;

/** Anything in the page that its policy should stop. Checked first, because a screenshot adds its own style to the page. */
const faultsOfMarkup = `(() => {
  const faults = [];
  if (document.querySelector("script:not([src]), style, [style]")) faults.push("script or style in the page");
  for (const element of document.querySelectorAll("*")) {
    for (const { name } of element.attributes) if (name.startsWith("on")) faults.push("a handler in the page");
  }
  return faults;
})()`;

/**
 * Fails if a page has a fault in any presentation.
 *
 * @param name The name of the state. If `examined-pages.ts` has it, the page must be the one that it stands for.
 */
export async function examinePage(page: Page, name: string): Promise<void> {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  if (isShown) await mkdir(folder, { recursive: true });
  await page.waitForLoadState();
  // An act may have a path of its own, below that of its page.
  const path = pathOfState(name);
  if (path !== undefined) expect([name, new URL(page.url()).pathname]).toEqual([name, path]);
  expect(await page.title()).toContain("Sallyport");
  expect(await page.evaluate(faultsOfMarkup)).toEqual([]);
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      // Colors move nothing.
      if (colorScheme === "light") expect(await page.evaluate(faultsOfLayout)).toEqual([]);
      if (isShown) await page.screenshot({ path: `${folder}${name}-${colorScheme}-${width}.png`, fullPage: true });
    }
    // Through the debugger, which is not subject to the page's policy.
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate<{
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
      passes: unknown[];
    }>("axe.run()");
    expect(violations.map(({ id, nodes }) => [id, nodes[0]!.html, nodes[0]!.failureSummary])).toEqual([]);
    expect(passes.length).toBeGreaterThan(10);
  }
}
