import { expect, test } from "vitest";
import { formatJson, JsonError, parseJson, toPlainValue } from "./strict-json.ts";

test("values, escapes and numbers equal JSON.parse", () => {
  const text =
    ' {"a":[1,-2.5e3,true,false,null,"\\u00e9\\n\\ud83d\\ude00"],"b":{},"c":[],"__proto__":{"x":0}} ';
  expect(JSON.stringify(toPlainValue(parseJson(text)))).toBe(JSON.stringify(JSON.parse(text)));
});

test("formatting keeps numbers as written and reads back", () => {
  const text = '{\n  "theta": 10000.0,\n  "big": 18446744073709551615,\n  "list": [\n    1e-05\n  ]\n}';
  expect(formatJson(parseJson(text))).toBe(text);
});

test.each([
  ["", 0],
  ["01", 1],
  ["+1", 0],
  ["NaN", 0],
  ["[1,]", 3],
  ["[1 2]", 3],
  ['{"a" 1}', 5],
  ['{"a":1,"a":2}', 7],
  ['"\\x"', 1],
  ['"\\u12g4"', 1],
  ['"abc', 4],
  ["tru", 0],
  ["{'a':1}", 1],
])("refused: %s, at character %i", (text, offset) => {
  expect(() => parseJson(text)).toThrow(JsonError);
  expect(() => parseJson(text)).toThrow(expect.objectContaining({ offset }));
});

test("a text of more values than any config has is refused before they take the memory", () => {
  expect(() => parseJson(`[${"0,".repeat(4_000_001)}0]`)).toThrow(JsonError);
});
