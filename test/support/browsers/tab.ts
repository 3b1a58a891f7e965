/**
 * A page in a browser, for tests that are written once and run in each browser. It types and clicks with real input events.
 *
 * @module
 */

/** A browser that tests drive. */
export interface DrivenBrowser {
  /** A new, empty window: it shares no cookies with another one. */
  visit(baseUrl: string): Promise<Tab>;
  close(): Promise<void>;
}

/** What each browser does in its own protocol. Scripts are expressions. */
export interface Driver {
  goTo(url: string): Promise<void>;
  url(): Promise<string>;
  /** The value of a script in the page, through JSON. */
  evaluate<Value>(script: string): Promise<Value>;
  /** Clicks the element that the script finds. */
  click(script: string): Promise<void>;
  /** Replaces the text of the field that the script finds. */
  type(script: string, text: string): Promise<void>;
  /** The cookies that the page's server gets, also those that scripts cannot read. */
  cookies(): Promise<readonly Cookie[]>;
  /** Sets the size of the page, in CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  close(): Promise<void>;
}

export interface Cookie {
  readonly name: string;
  /** False if the cookie ends with the browser. */
  readonly hasExpiry: boolean;
}

const patienceMilliseconds = 20_000;

/**
 * Finds one element by its accessible name. `name` is exact, except for white space.
 *
 * @throws {Error} In the page, if none or several of this name are to be seen.
 */
const find = `(selector, name) => {
  const squeeze = (text) => text.replace(/\\s+/g, " ").trim();
  // Not \`innerText\`: WebKit leaves out what is for those who hear the page.
  const nameOf = (element) => squeeze(element.getAttribute("aria-label") ?? (element.labels?.[0] ?? element).textContent);
  const all = [...document.querySelectorAll(selector)].filter((element) => element.getClientRects().length > 0);
  const found = all.filter((element) => nameOf(element) === name);
  if (found.length !== 1)
    throw new Error(found.length + " elements are called " + name + ", of: " + all.map(nameOf).join(", "));
  found[0].scrollIntoView({ block: "center" });
  return found[0];
}`;
const scriptFor = (selector: string, name: string): string =>
  `(${find})(${JSON.stringify(selector)}, ${JSON.stringify(name)})`;

const controls = "a[href], button, summary, input[type=checkbox]";
const fields = "input:not([type=hidden], [type=checkbox])";

export class Tab {
  readonly #driver: Driver;
  readonly #baseUrl: string;

  constructor(driver: Driver, baseUrl: string) {
    this.#driver = driver;
    this.#baseUrl = baseUrl;
  }

  async open(path: string): Promise<void> {
    await this.#driver.goTo(this.#baseUrl + path);
  }

  /** Types into the field with this label. */
  async fill(label: string, text: string): Promise<void> {
    await until(() => this.#driver.type(scriptFor(fields, label), text));
  }

  /** Clicks the link, button or box of this name. If it leads to another page, the caller waits for that page. */
  async press(name: string): Promise<void> {
    await until(() => this.#driver.click(scriptFor(controls, name)));
  }

  /** The text of the page, as a reader sees it. */
  async text(): Promise<string> {
    return await this.#driver.evaluate("document.body.innerText");
  }

  async waitFor(text: string): Promise<void> {
    await until(async () => {
      const shown = await this.text();
      if (!shown.includes(text)) throw new Error(`The page does not say "${text}":\n${await this.address()}\n${shown}`);
    });
  }

  /** Path and query. */
  async address(): Promise<string> {
    const { pathname, search } = new URL(await this.#driver.url());
    return pathname + search;
  }

  /** Waits until a page with this path, whatever its query, has run its scripts. */
  async waitForPage(path: string): Promise<void> {
    await until(async () => {
      const address = await this.address();
      if (address.split("?")[0] !== path) throw new Error(`The page is ${address}, not ${path}.`);
      if (!(await this.evaluate("document.readyState === 'complete'"))) throw new Error(`${path} is still loading.`);
    });
  }

  /** The value of a script in the page, through JSON. */
  async evaluate<Value>(script: string): Promise<Value> {
    return await this.#driver.evaluate(script);
  }

  /** The type of the field with this label. */
  async typeOf(label: string): Promise<string> {
    return await this.#driver.evaluate(`${scriptFor(fields, label)}.type`);
  }

  async cookies(): Promise<readonly Cookie[]> {
    return await this.#driver.cookies();
  }

  async resize(width: number, height: number): Promise<void> {
    await this.#driver.resize(width, height);
  }

  async close(): Promise<void> {
    await this.#driver.close();
  }
}

/** Repeats what fails while the page loads. */
async function until(act: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + patienceMilliseconds;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
