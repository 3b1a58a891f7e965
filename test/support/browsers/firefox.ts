/**
 * Firefox, through WebDriver BiDi (W3C), which it speaks without a program in between.
 *
 * @module
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { programOf, type RunningProgram, run } from "./program.ts";
import { type DrivenBrowser, type Driver, Tab } from "./tab.ts";

type Call = (method: string, params: object) => Promise<Result>;
// biome-ignore lint/suspicious/noExplicitAny: the answers of the protocol are as its specification says, and fail a test if not.
type Result = any;

/** @param timeZone The time zone of its user. */
export async function openFirefox(timeZone: string): Promise<DrivenBrowser> {
  const path = programOf("firefox-esr", "firefox-esr");
  const profile = await mkdtemp(join(tmpdir(), "sallyport-firefox-"));
  const firefox = run(path, ["--headless", "--no-remote", "--remote-debugging-port=0", "--profile", profile], {
    env: { TZ: timeZone, MOZ_HEADLESS_WIDTH: "1280", MOZ_HEADLESS_HEIGHT: "1000" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const close = async (): Promise<void> => {
    await firefox.end();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const call = await connect(`${await endpointOf(firefox)}/session`);
    await call("session.new", { capabilities: {} });
    return {
      async visit(baseUrl) {
        const { userContext } = await call("browser.createUserContext", {});
        const { context } = await call("browsingContext.create", { type: "tab", userContext });
        return new Tab(driverOf(call, context, userContext, baseUrl), baseUrl);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function endpointOf({ child }: RunningProgram): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface(child.stderr!)) {
    const [, endpoint] = /^WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
    if (endpoint !== undefined) {
      child.stderr!.resume();
      return endpoint;
    }
    said.push(line);
  }
  throw new Error(`Firefox did not start.\n${said.join("\n")}`);
}

async function connect(endpoint: string): Promise<Call> {
  const socket = new WebSocket(endpoint);
  await once(socket, "open");
  const waiting = new Map<number, (message: Result) => void>();
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data));
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  let last = 0;
  return async (method, params) => {
    const id = ++last;
    const answer = new Promise<Result>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const { type, result, error, message } = await answer;
    if (type !== "success") throw new Error(`${method}: ${error}: ${message}`);
    return result;
  };
}

/** Keys of WebDriver §17.4.2. */
const control = "\uE009";
const remove = "\uE017";

function driverOf(call: Call, context: string, userContext: string, baseUrl: string): Driver {
  async function evaluate(script: string): Promise<Result> {
    const { type, result, exceptionDetails } = await call("script.evaluate", {
      expression: script,
      target: { context },
      awaitPromise: true,
    });
    if (type !== "success") throw new Error(exceptionDetails.text);
    return result;
  }
  async function click(script: string): Promise<void> {
    const { sharedId } = await evaluate(script);
    const origin = { type: "element", element: { sharedId } };
    const actions = [
      { type: "pointerMove", x: 0, y: 0, origin },
      { type: "pointerDown", button: 0 },
      { type: "pointerUp", button: 0 },
    ];
    await call("input.performActions", { context, actions: [{ type: "pointer", id: "mouse", actions }] });
  }
  return {
    click,
    url: async () => (await evaluate("location.href")).value,
    goTo: async (url) => void (await call("browsingContext.navigate", { context, url, wait: "complete" })),
    evaluate: async (script) => JSON.parse((await evaluate(`JSON.stringify(${script})`)).value),
    async type(script, text) {
      await click(script);
      const down = (value: string) => ({ type: "keyDown", value });
      const up = (value: string) => ({ type: "keyUp", value });
      const keys = [remove, ...text].flatMap((key) => [down(key), up(key)]);
      const actions = [down(control), down("a"), up("a"), up(control), ...keys];
      await call("input.performActions", { context, actions: [{ type: "key", id: "keyboard", actions }] });
    },
    async cookies() {
      const partition = { type: "storageKey", userContext };
      const { cookies } = await call("storage.getCookies", {
        filter: { domain: new URL(baseUrl).hostname },
        partition,
      });
      return cookies.map(({ name, expiry }: Result) => ({ name, hasExpiry: expiry !== undefined }));
    },
    resize: async (width, height) =>
      void (await call("browsingContext.setViewport", { context, viewport: { width, height } })),
    close: async () => void (await call("browser.removeUserContext", { userContext })),
  };
}
