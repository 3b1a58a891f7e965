import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { NeonResult } from "../../worker/development/neon-backend.node.ts";
import { createPglite } from "./databases.ts";
import { type RewindingBackend, rewindingBackend } from "./rewinding-backend.ts";

let backend: RewindingBackend;
let close: () => Promise<void>;
beforeAll(async () => {
  const instance = await createPglite({ empty: true });
  close = () => instance.close();
  await instance.exec("create table thing (id int primary key)");
  backend = rewindingBackend(instance);
});
afterAll(() => close());
beforeEach(() => query("truncate thing"));

const asked = (text: string) => ({ query: text, params: [] });
const query = (text: string): Promise<NeonResult> => backend.run(asked(text));
const batch = (...texts: string[]): Promise<NeonResult[]> => backend.transaction("begin", texts.map(asked));
const insert = (id: number) => `insert into thing values (${id})`;
const things = async () => (await query("select id from thing order by id")).rows.flat().join();

test("what the work did is undone, and the work saw it", async () => {
  await query(insert(1));
  const seen = await backend.rewind(async () => {
    await query(insert(2));
    await batch(insert(3), "delete from thing where id = 1");
    return await things();
  });
  expect([seen, await things()]).toEqual(["2,3", "1"]);
});

test("from one state, several times", async () => {
  await query(insert(1));
  for (let time = 0; time < 3; time++) {
    expect(await backend.rewind(async () => (await query("delete from thing returning id")).rows)).toEqual([["1"]]);
  }
});

test("work that fails is undone too, and its error is thrown", async () => {
  const work = backend.rewind(async () => {
    await query(insert(1));
    throw new Error("The work failed.");
  });
  await expect(work).rejects.toThrow("The work failed.");
  expect(await things()).toBe("");
});

test("a request that fails undoes itself alone", async () => {
  await backend.rewind(async () => {
    await query(insert(1));
    await expect(query(insert(1))).rejects.toMatchObject({ code: "23505" });
    await expect(batch(insert(2), insert(1), insert(3))).rejects.toMatchObject({ code: "23505" });
    await expect(query("not sql")).rejects.toMatchObject({ code: "42601" });
    await batch(insert(4), insert(5));
    expect(await things()).toBe("1,4,5");
  });
});

test("requests at the same time do not mix, and a failed one takes no other with it", async () => {
  await backend.rewind(async () => {
    await query(insert(5));
    const sent = Array.from({ length: 10 }, (_, index) => batch(insert(20 + index), insert(index)));
    const ends = await Promise.allSettled(sent);
    expect(ends.map(({ status }) => status).filter((status) => status === "rejected")).toHaveLength(1);
    expect(await things()).toBe("0,1,2,3,4,5,6,7,8,9,20,21,22,23,24,26,27,28,29");
  });
  expect(await things()).toBe("");
});

test("each request has its own time, and keeps no setting for the next one", async () => {
  const now = "select statement_timestamp()::text";
  await backend.rewind(async () => {
    const set = (text: string) => `select set_config('sallyport.place', '${text}', true)`;
    const read = "select coalesce(current_setting('sallyport.place', true), '')";
    const [, within] = await batch(set("here"), read);
    expect([within!.rows, (await query(read)).rows]).toEqual([[["here"]], [[""]]]);
    const first = (await query(now)).rows;
    expect((await query(now)).rows).not.toEqual(first);
  });
});

test("work within work, or beside it, is refused, and the outer work goes on", async () => {
  await backend.rewind(async () => {
    await query(insert(1));
    await expect(backend.rewind(async () => undefined)).rejects.toThrow("Other work is rewound.");
    expect(await things()).toBe("1");
  });
});
