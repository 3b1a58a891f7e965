import type { TupleWriters } from "../../src/domain/tuple-writer.ts";

/** The writers of the tests' applications: owners of a document share it, and put it into folders that they own. */
export const testWriters: TupleWriters = {
  doc: { viewer: "owner", editor: "owner", parent: { object: "owner", subject: "owner" } },
  folder: { viewer: "owner" },
};
