/** The messages of a site with `MAILBOX`, as a browser reads them at `/mailbox`. @module */
import type { Locator } from "playwright-core";
import { expect } from "vitest";
import type { Visitor } from "./site.ts";

/** The newest message to an address with a text, in a tab of its own that reloads until the message is there. */
async function read<Read>(
  { context }: Visitor,
  address: string,
  text: string,
  reader: (message: Locator) => Promise<Read>,
): Promise<Read> {
  const mailbox = await context.newPage();
  const messages = mailbox.locator("section").filter({ hasText: address }).filter({ hasText: text });
  await expect
    .poll(
      async () => {
        await mailbox.goto("/mailbox");
        return await messages.count();
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThan(0);
  const said = await reader(messages.first());
  await mailbox.close();
  return said;
}

/** The address of the link in the newest message with a text. */
export async function linkTo(visitor: Visitor, address: string, text: string): Promise<string> {
  const link = (message: Locator) => message.getByRole("link", { name: "Open the link" }).first().getAttribute("href");
  return (await read(visitor, address, text, link))!;
}

/** The six digits in the newest message with a text. */
export async function codeTo(visitor: Visitor, address: string, text: string): Promise<string> {
  const [code] = /\b\d{3} \d{3}\b/.exec(await read(visitor, address, text, (message) => message.innerText()))!;
  return code;
}
