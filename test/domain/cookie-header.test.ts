import { expect, test } from "vitest";
import { cookieValues } from "../../src/domain/cookie-header.ts";

test.each([
  ["an empty header", "", []],
  ["alone", "__Host-a=1", ["1"]],
  ["among others", "b=0; __Host-a=1;c=2", ["1"]],
  ["with white space around", " \t__Host-a\t= 1 \t; b=2", ["1"]],
  ["empty", "__Host-a=; b", [""]],
  ["with an equals sign", "__Host-a=1=2", ["1=2"]],
  ["without an equals sign", "__Host-a; b=1", []],
  ["three times, with two values", "__Host-a=2; __Host-a=1; __Host-a=2", ["2", "1"]],
  ["another case", "__host-a=1", []],
  ["behind white space that no browser strips", "\u00a0__Host-a=1; \u000b__Host-a=2", []],
  ["a longer name", "x__Host-a=1; __Host-ab=2", []],
])("the values of a cookie: %s", (_, header, values) => {
  expect([...cookieValues(header, "__Host-a")]).toEqual(values);
});
