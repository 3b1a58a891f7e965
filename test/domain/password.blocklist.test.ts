import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { passwordFault } from "../../src/domain/password.ts";

const shared = new URL("../../../shared/vectors/passwords/zxcvbn-common-passwords.txt", import.meta.url);

/**
 * What no rule tells from an honest password: two phrases, and what is on the list because one person or one program used it
 * often. Whoever asks `isCompromisedPassword` refuses these too.
 */
const accepted = [
  ...["momsanaladventure", "passwordstandard", "mailcreated5240", "polniypizdec0211", "polniypizdec1102"],
  ...["polniypizdec110211", "ne_e_pod_chehyl", "nick1234-rem936", "23176djivanfros", "hd764nw5d7e1vb1"],
  ...["hd764nw5d7e1vbv", "zqjphsyf6ctifgu", "lhbjkjubz2957704", "nemvxyheqdd5oqxyxyzi", "bpgjldsgjldthnf"],
  ...["aksjdlasdakj89879", "lytdybrbdfvgbhf", "bhrh0h2oof6xbqjeh"],
];

test.runIf(existsSync(shared))(
  "R005: zxcvbn's list, its 15 characters and more: all that somebody typed in order is refused",
  () => {
    const entries = readFileSync(shared, "utf8").split(/\r?\n/);
    const long = entries.filter((entry) => [...entry].length >= 15);
    expect(long).toHaveLength(40);
    expect(long.filter((entry) => passwordFault(entry) === undefined).sort()).toEqual(accepted.sort());
  },
);
