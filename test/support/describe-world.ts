import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { type FullAuth, type OpenOptions, openAuth, type World } from "./auth.ts";
import type { BackendName } from "./databases.ts";

export interface WorldOptions extends OpenOptions {
  /** The backends. The whole suite runs on each of them. */
  on: readonly BackendName[];
  /** Sets the database's clock to this time before each test. Default: the clock runs. */
  clock?: Date;
}

/**
 * A suite with its own {@link World} on each backend. The world opens before the first test and closes after the last.
 *
 * Outside tests and hooks there is no world yet, so read `world` and `auth` only inside them.
 *
 * @param subject The subject of the suite: the title of each of its tests begins with it.
 */
export function describeWorld(
  subject: string,
  { on, clock, ...options }: WorldOptions,
  suite: (world: World, auth: FullAuth, name: BackendName) => void,
): void {
  describe.each(on)(`${subject}, %s`, (name) => {
    let opened: World | undefined;
    const world = standIn(() => {
      if (!opened) throw new Error("The world opens before the first test: read it in a test or a hook.");
      return opened;
    });
    beforeAll(async () => {
      opened = await openAuth(name, options);
      if (clock) await installTestClock(opened.database);
    });
    if (clock) beforeEach(() => setTestClock(world.database, clock));
    afterAll(() => opened?.close());
    suite(
      world,
      standIn(() => world.auth),
      name,
    );
  });
}

/** Reads each property from an object that exists only later. */
export function standIn<Later extends object>(later: () => Later): Later {
  return new Proxy({} as Later, { get: (_target, property) => later()[property as keyof Later] });
}
