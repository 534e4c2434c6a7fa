import type { RuntimeValue } from "@huggingface/jinja";
import { isFloat, isNone, isTuple, isUndefined, toRuntimeValue } from "./runtime-values.ts";

/** What Python's `str` makes of a value, as Jinja writes it; an undefined one is empty. */
export function pythonStr(value: RuntimeValue): string {
  if (typeof value.value === "string") return value.value;
  return isUndefined(value) ? "" : pythonRepr(value);
}

/** What Python's `repr` makes of a value. */
function pythonRepr(value: RuntimeValue): string {
  const { value: content } = value;
  if (typeof content === "string") return quote(content);
  if (typeof content === "boolean") return content ? "True" : "False";
  if (isNone(value)) return "None";
  if (content === undefined || content === null) return "Undefined";
  if (typeof content === "number") return isFloat(value) ? pythonFloat(content) : String(content);
  if (typeof content === "bigint") return String(content);
  if (typeof content === "function") throw new Error("a function cannot be written");
  if (Array.isArray(content)) {
    const items = content.map(pythonRepr).join(", ");
    if (!isTuple(value)) return `[${items}]`;
    return content.length === 1 ? `(${items},)` : `(${items})`;
  }
  const entries = [...content].map(([key, item]) => `${quote(key)}: ${pythonRepr(item)}`);
  const text = `{${entries.join(", ")}}`;
  return value.type === "NamespaceValue" ? `<Namespace ${text}>` : text;
}

/** A double as Python writes it: the shortest digits, with an exponent from 1e16 and below 1e-4. */
function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const [digits = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const sign = exponent < 0 ? "-" : "+";
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  if (Object.is(value, -0)) return "-0.0";
  // JavaScript writes these without an exponent, but for 1e-6 and less, which are above.
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Characters that Python's `repr` escapes: what it does not print, the backslash. */
const unprintable = /[\\\p{C}\p{Z}]/gu;
const shortEscapes: ReadonlyMap<string, string> = new Map([
  [" ", " "],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll(unprintable, escapeOf);
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

function escapeOf(character: string): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, "0");

/** The options of Python's `json.dumps` that transformers' `tojson` has. */
export interface JsonTextOptions {
  readonly ensureAscii: boolean;
  /** What a level is indented by; undefined for one line. */
  readonly indent: string | undefined;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
}

export const oneLine: JsonTextOptions = {
  ensureAscii: false,
  indent: undefined,
  itemSeparator: ", ",
  keySeparator: ": ",
  sortKeys: false,
};

/** A value as Python's `json.dumps` writes it. */
export function jsonText(value: RuntimeValue, options: JsonTextOptions, lineStart = "\n"): string {
  const { value: content } = value;
  if (typeof content === "string") return jsonString(content, options);
  if (isNone(value)) return "null";
  if (typeof content === "boolean") return String(content);
  if (typeof content === "bigint") return String(content);
  if (typeof content === "number") return isFloat(value) ? jsonFloat(content) : String(content);
  if (
    content === undefined ||
    content === null ||
    typeof content === "function" ||
    value.type === "NamespaceValue"
  )
    throw new Error(`${jsonNames.get(value.type) ?? value.type} is no JSON`);
  const inner = options.indent === undefined ? "" : lineStart + options.indent;
  const [open, close] = Array.isArray(content) ? "[]" : "{}";
  const parts = Array.isArray(content)
    ? content.map((item) => jsonText(item, options, inner))
    : entriesOf(content, options.sortKeys).map(
        ([key, item]) =>
          `${jsonString(key, options)}${options.keySeparator}${jsonText(item, options, inner)}`,
      );
  if (parts.length === 0) return `${open}${close}`;
  const end = options.indent === undefined ? "" : lineStart;
  return `${open}${inner}${parts.join(options.itemSeparator + inner)}${end}${close}`;
}

/** Data as JSON in one line, as Python's `json.dumps` writes it; numbers of JSON as they are there. */
export const jsonOf = (data: unknown, options: Partial<JsonTextOptions> = {}): string =>
  jsonText(toRuntimeValue(data), { ...oneLine, ensureAscii: false, ...options });

const jsonNames: ReadonlyMap<string, string> = new Map([
  ["UndefinedValue", "an undefined value"],
  ["FunctionValue", "a function"],
  ["NamespaceValue", "a namespace"],
]);

function entriesOf(map: ReadonlyMap<string, RuntimeValue>, sorted: boolean): [string, RuntimeValue][] {
  const entries = [...map];
  return sorted ? entries.sort(([a], [b]) => compareTexts(a, b)) : entries;
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return pythonFloat(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

function jsonString(text: string, { ensureAscii }: JsonTextOptions): string {
  const json = JSON.stringify(text);
  return ensureAscii ? json.replaceAll(/[\x7f-\uffff]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`) : json;
}

/** Texts in Python's order, that of their code points. */
function compareTexts(a: string, b: string): number {
  const [first, second] = [Array.from(a), Array.from(b)];
  for (const [i, character] of first.entries()) {
    const other = second[i];
    if (other === undefined) return 1;
    if (character !== other) return (character.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
  }
  return first.length - second.length;
}
