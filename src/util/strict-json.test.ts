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
  ["", /a JSON value, found the end/],
  ["01", /after the end/],
  ["+1", /a JSON value, found "\+"/],
  ["NaN", /a JSON value/],
  ["[1,]", /a JSON value, found "\]"/],
  ["[1 2]", /"," or "\]", found "2"/],
  ['{"a" 1}', /":"/],
  ['{"a":1,"a":2}', /duplicate key "a"/],
  ['"\\x"', /a known escape/],
  ['"\\u12g4"', /four hexadecimal digits/],
  ['"abc', /the end of the string/],
  ["tru", /a JSON value/],
  ["{'a':1}", /a key in double quotes/],
])("refused: %s", (text, message) => {
  expect(() => parseJson(text)).toThrow(JsonError);
  expect(() => parseJson(text)).toThrow(message);
});
