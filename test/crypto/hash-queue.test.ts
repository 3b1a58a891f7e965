import { afterEach, describe, expect, test, vi } from "vitest";
import { HashQueue, HashQueueFullError } from "../../src/crypto/hash-queue.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Joins the queue as an abandoned request: its timer never fires, so its code never runs again. */
function joinAndDie(queue: HashQueue, maxWaiting = 16): void {
  vi.spyOn(globalThis, "setTimeout").mockImplementationOnce((() => 0) as unknown as typeof setTimeout);
  void queue.run(maxWaiting, () => {
    throw new Error("A dead request ran.");
  });
}

/** Lets the clock jump while the event loop does not. */
function clockThatJumps(): (milliseconds: number) => void {
  const realNow = performance.now.bind(performance);
  let offset = 0;
  vi.spyOn(performance, "now").mockImplementation(() => realNow() + offset);
  return (milliseconds) => {
    offset += milliseconds;
  };
}

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error: Error) => error.name,
  );

describe("R011, F12: the queue is bounded", () => {
  test("1,000 at once: 16 run, 984 are refused before any runs", async () => {
    const queue = new HashQueue();
    let ran = 0;
    const outcomes = Array.from({ length: 1000 }, () => outcome(queue.run(16, () => ran++)));
    expect(await Promise.race([outcomes[16], outcomes[0]])).toBe("HashQueueFullError");
    const settled = await Promise.all(outcomes);
    expect(settled.filter((each) => each === "done")).toHaveLength(16);
    expect(settled.filter((each) => each === "HashQueueFullError")).toHaveLength(984);
    expect(ran).toBe(16);
    expect(await outcome(queue.run(16, () => 0))).toBe("done");
  });

  test("S24: a caller with a shorter queue leaves the rest to others", async () => {
    const queue = new HashQueue();
    const tokens = Array.from({ length: 20 }, () => outcome(queue.run(8, () => 0)));
    const signIns = Array.from({ length: 9 }, () => outcome(queue.run(16, () => 0)));
    expect((await Promise.all(tokens)).filter((each) => each === "done")).toHaveLength(8);
    expect((await Promise.all(signIns)).filter((each) => each === "done")).toHaveLength(8);
  });

  test("a refusal says when to retry", async () => {
    const queue = new HashQueue();
    joinAndDie(queue);
    await expect(queue.run(1, () => 0)).rejects.toMatchObject({ name: "HashQueueFullError", retryAfterSeconds: 2 });
    await expect(queue.run(1, () => 0)).rejects.toBeInstanceOf(HashQueueFullError);
  });
});

describe("S57: new hashes take at most half of the turns while checks wait", () => {
  /** The order of turns, as letters: c for a check, n for a new hash. */
  async function turnsOf(joins: string, queue: HashQueue = new HashQueue()): Promise<string> {
    let order = "";
    const join = (letter: string) => queue.run(32, () => (order += letter), letter === "n");
    await Promise.all([...joins].map(join));
    return order;
  }

  test.each([
    { joins: "nnnnnnnncccc", turns: "cncncncnnnnn" },
    { joins: "nncncnnc", turns: "cncncnnn" },
    { joins: "ccccnn", turns: "ccccnn" },
    { joins: "nnnn", turns: "nnnn" },
    { joins: "cccc", turns: "cccc" },
  ])("$joins wait: the turns are $turns", async ({ joins, turns }) => {
    expect(await turnsOf(joins)).toBe(turns);
  });

  test("a full line of new hashes that strangers keep full: a check waits for one of them at most", async () => {
    const queue = new HashQueue();
    let order = "";
    let refills = 40;
    // A check may take the place that has become free, so a refusal is no fault.
    const keepFull = (): Promise<unknown> =>
      queue.run(
        8,
        () => {
          order += "n";
          if (refills-- > 0) void outcome(keepFull());
        },
        true,
      );
    const strangers = Array.from({ length: 8 }, keepFull);
    for (let turn = 0; turn < 10; turn++) await queue.run(16, () => (order += "c"));
    await Promise.all(strangers);
    expect(order).toMatch(/^(n?c){10}/);
  });
});

describe("hash queue, order", () => {
  test("first come, first served, also behind abandoned requests", async () => {
    const queue = new HashQueue();
    const order: number[] = [];
    const all: Promise<unknown>[] = [];
    for (let index = 0; index < 12; index++) {
      if (index % 4 === 0) joinAndDie(queue);
      all.push(queue.run(16, () => order.push(index)));
    }
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test("later requests go behind waiting ones", async () => {
    const queue = new HashQueue();
    const order: string[] = [];
    const first = queue.run(16, () => {
      order.push("first");
      late = queue.run(16, () => order.push("late"));
    });
    let late: Promise<unknown> = Promise.resolve();
    const second = queue.run(16, () => order.push("second"));
    await Promise.all([first, second]);
    await late;
    expect(order).toEqual(["first", "second", "late"]);
  });

  test("F13: the event loop runs between two hashes", async () => {
    const queue = new HashQueue();
    const order: string[] = [];
    await Promise.all(
      ["a", "b", "c"].map((name) =>
        queue.run(16, () => {
          order.push(name);
          setTimeout(() => order.push(`after ${name}`), 0);
        }),
      ),
    );
    expect(order).toEqual(["a", "after a", "b", "after b", "c"]);
  });
});

describe("hash queue, a request abandoned while it waits", () => {
  test("does not hold up the requests behind it", async () => {
    const queue = new HashQueue();
    for (let dead = 0; dead < 15; dead++) joinAndDie(queue);
    const started = performance.now();
    expect(await outcome(queue.run(16, () => 0))).toBe("done");
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test("keeps its place for 2 s and no longer", async () => {
    const advance = clockThatJumps();
    const queue = new HashQueue();
    for (let dead = 0; dead < 16; dead++) joinAndDie(queue);
    expect(await outcome(queue.run(16, () => 0))).toBe("HashQueueFullError");
    advance(1900);
    expect(await outcome(queue.run(16, () => 0))).toBe("HashQueueFullError");
    advance(100);
    expect(await Promise.all(Array.from({ length: 16 }, () => outcome(queue.run(16, () => 0))))).toEqual(
      Array(16).fill("done"),
    );
  });

  test.each([-86_400_000, 86_400_000])(
    "keeps its place for 2 s when the wall clock is set by %d ms",
    async (change) => {
      const advance = clockThatJumps();
      const queue = new HashQueue();
      joinAndDie(queue, 1);
      const realNow = Date.now.bind(Date);
      vi.spyOn(Date, "now").mockImplementation(() => realNow() + change);
      expect(await outcome(queue.run(1, () => 0))).toBe("HashQueueFullError");
      advance(2000);
      expect(await outcome(queue.run(1, () => 0))).toBe("done");
    },
  );
});

describe("F13: hash queue, deadline", () => {
  test("a request that waited 2 s: refused and not run", async () => {
    const advance = clockThatJumps();
    const queue = new HashQueue();
    let ran = false;
    const slow = outcome(queue.run(16, () => advance(2000)));
    const behind = outcome(
      queue.run(16, () => {
        ran = true;
      }),
    );
    expect([await slow, await behind, ran]).toEqual(["done", "HashQueueFullError", false]);
  });

  test("a request that waited less: run", async () => {
    const advance = clockThatJumps();
    const queue = new HashQueue();
    const slow = outcome(queue.run(16, () => advance(1500)));
    const behind = outcome(queue.run(16, () => 0));
    expect([await slow, await behind]).toEqual(["done", "done"]);
  });
});

test("hash queue: work that throws rejects its own caller only", async () => {
  const queue = new HashQueue();
  const failing = queue.run(2, () => {
    throw new TypeError("broken");
  });
  const other = queue.run(2, () => "result");
  await expect(failing).rejects.toThrow("broken");
  expect(await other).toBe("result");
  expect(await queue.run(1, () => "free again")).toBe("free again");
});
