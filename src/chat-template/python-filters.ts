import type { Environment, RuntimeValue } from "@huggingface/jinja";
import { isEqual, isWithin, pythonTests, typeName } from "./python-operators.ts";
import { capitalize, characterAt, lengthOfText, splitLines, strip, titleOfWords } from "./python-strings.ts";
import { jsonText, oneLine, pythonStr } from "./python-text.ts";
import {
  floatValue,
  integerValue,
  isMapping,
  isUndefined,
  listValue,
  textValue,
  undefinedValue,
} from "./runtime-values.ts";

/** What a filter is given besides its operand. */
export interface FilterCall {
  readonly args: readonly RuntimeValue[];
  readonly named: ReadonlyMap<string, RuntimeValue>;
  readonly environment: Environment;
  /** Called for each pair of values that is compared. */
  readonly step: () => void;
}

type Filter = (operand: RuntimeValue, call: FilterCall) => RuntimeValue;

/** Jinja's filters, and transformers' `tojson`, that the interpreter in JavaScript lacks or does otherwise. */
export const pythonFilters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ["string", (operand) => textValue(pythonStr(operand))],
  ["tojson", toJson],
  ["join", join],
  ["trim", trim],
  ["length", (operand) => integerValue(lengthOf(operand))],
  ["count", (operand) => integerValue(lengthOf(operand))],
  ["default", orDefault],
  ["d", orDefault],
  ["upper", (operand) => textValue(pythonStr(operand).toUpperCase())],
  ["lower", (operand) => textValue(pythonStr(operand).toLowerCase())],
  ["title", (operand) => textValue(titleOfWords(pythonStr(operand)))],
  ["capitalize", (operand) => textValue(capitalize(pythonStr(operand)))],
  ["int", toInteger],
  ["float", toFloat],
  ["indent", indent],
  ["first", (operand) => endOf(operand, 0)],
  ["last", (operand) => endOf(operand, -1)],
  ["list", (operand) => listValue(itemsOf(operand))],
  ["unique", unique],
  ["selectattr", (operand, call) => selectByAttribute(operand, call, true)],
  ["rejectattr", (operand, call) => selectByAttribute(operand, call, false)],
]);

/** The arguments by the names that Python knows them by. */
function bind(names: readonly string[], { args, named }: FilterCall): (RuntimeValue | undefined)[] {
  if (args.length > names.length)
    throw new Error(`at most ${names.length} argument(s), found ${args.length}`);
  for (const name of named.keys())
    if (names.indexOf(name) < args.length) throw new Error(`an argument ${name} that is not known`);
  return names.map((name, i) => args[i] ?? named.get(name));
}

const isTrue = (value: RuntimeValue | undefined) => value?.__bool__().value === true;

function toJson(operand: RuntimeValue, call: FilterCall): RuntimeValue {
  const [ensureAscii, indentation, separators, sortKeys] = bind(
    ["ensure_ascii", "indent", "separators", "sort_keys"],
    call,
  );
  const indent = indentationOf(indentation);
  const [itemSeparator = indent === undefined ? ", " : ",", keySeparator = ": "] = separatorsOf(separators);
  const options = { ensureAscii: isTrue(ensureAscii), indent, itemSeparator, keySeparator };
  return textValue(jsonText(operand, { ...oneLine, ...options, sortKeys: isTrue(sortKeys) }));
}

function indentationOf(indentation: RuntimeValue | undefined): string | undefined {
  const value = indentation?.value ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  if (typeof value !== "number") throw new Error("indent is neither a number nor a text");
  return " ".repeat(Math.max(0, value));
}

function separatorsOf(separators: RuntimeValue | undefined): string[] {
  const value = separators?.value ?? undefined;
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length !== 2) throw new Error("separators are not two texts");
  return value.map(textOf);
}

function textOf({ value }: RuntimeValue): string {
  if (typeof value !== "string") throw new Error("a value that is no text where one is needed");
  return value;
}

function join(operand: RuntimeValue, call: FilterCall): RuntimeValue {
  const [separator, attribute] = bind(["d", "attribute"], call);
  const items = itemsOf(operand).map((item) =>
    attribute === undefined ? item : attributeOf(item, textOf(attribute)),
  );
  return textValue(items.map(pythonStr).join(separator === undefined ? "" : pythonStr(separator)));
}

function trim(operand: RuntimeValue, call: FilterCall): RuntimeValue {
  const [characters] = bind(["chars"], call);
  return textValue(strip(pythonStr(operand), characters?.value, { left: true, right: true }));
}

function lengthOf(operand: RuntimeValue): number {
  return typeof operand.value === "string" ? lengthOfText(operand.value) : itemsOf(operand).length;
}

function orDefault(operand: RuntimeValue, call: FilterCall): RuntimeValue {
  const [value = textValue(""), alsoFalse] = bind(["default_value", "boolean"], call);
  return isUndefined(operand) || (isTrue(alsoFalse) && !isTrue(operand)) ? value : operand;
}

const integerPattern = /^[+-]?\d+$/;
const floatPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The number that Python's `int` or `float` reads in a value; undefined for what it refuses. */
function numberOf({ value }: RuntimeValue): number | bigint | undefined {
  if (typeof value === "number" || typeof value === "bigint") return value;
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  if (/^[+-]?(?:nan|inf|infinity)$/i.test(text) || text.includes("_"))
    throw new Error(`the number ${text.slice(0, 20)}`);
  return floatPattern.test(text) ? Number(text) : undefined;
}

function toInteger(operand: RuntimeValue, call: FilterCall): RuntimeValue {
  const [value = integerValue(0), base] = bind(["default", "base"], call);
  if (base !== undefined) throw new Error("int with a base");
  const { value: content } = operand;
  if (typeof content === "string" && integerPattern.test(content.trim())) {
    const number = Number(content);
    return integerValue(Number.isSafeInteger(number) ? number : BigInt(content));
  }
  const number = numberOf(operand);
  if (number === undefined) return value;
  return integerValue(typeof number === "number" ? Math.trunc(number) : number);
}

function toFloat(operand: RuntimeValue, call: FilterCall): RuntimeValue {
  const [value = floatValue(0)] = bind(["default"], call);
  const number = numberOf(operand);
  return number === undefined ? value : floatValue(Number(number));
}

function indent(operand: RuntimeValue, call: FilterCall): RuntimeValue {
  const [width = integerValue(4), first, blank] = bind(["width", "first", "blank"], call);
  const space = indentationOf(width) ?? "";
  const lines = splitLines(`${pythonStr(operand)}\n`);
  const indented = lines.map((line, i) => (i > 0 && (isTrue(blank) || line !== "") ? space + line : line));
  return textValue((isTrue(first) ? space : "") + indented.join("\n"));
}

function endOf(operand: RuntimeValue, index: 0 | -1): RuntimeValue {
  const { value } = operand;
  if (typeof value !== "string") return itemsOf(operand).at(index) ?? undefinedValue;
  const character = characterAt(value, index);
  return character === undefined ? undefinedValue : textValue(character);
}

/** What Python goes through in a value: characters, items or keys. */
export function itemsOf(operand: RuntimeValue): readonly RuntimeValue[] {
  const { value } = operand;
  if (Array.isArray(value)) return value;
  if (typeof value === "string") return Array.from(value, textValue);
  if (isMapping(operand) && value instanceof Map) return [...value.keys()].map(textValue);
  if (isUndefined(operand)) return [];
  throw new Error(`the items of ${typeName(operand)}`);
}

function unique(operand: RuntimeValue, call: FilterCall): RuntimeValue {
  const [caseSensitive, attribute] = bind(["case_sensitive", "attribute"], call);
  const keys: RuntimeValue[] = [];
  const items = itemsOf(operand).filter((item) => {
    const value = attribute === undefined ? item : attributeOf(item, textOf(attribute));
    const isFolded = typeof value.value === "string" && !isTrue(caseSensitive);
    const key = isFolded ? textValue(pythonStr(value).toLowerCase()) : value;
    if (isWithin(key, keys, call.step)) return false;
    keys.push(key);
    return true;
  });
  return listValue(items);
}

function selectByAttribute(operand: RuntimeValue, call: FilterCall, wanted: boolean): RuntimeValue {
  const [attribute, test, ...others] = call.args;
  if (attribute === undefined || call.named.size > 0)
    throw new Error("the arguments are not an attribute and a test");
  const passes = test === undefined ? isTrue : testOf(textOf(test), others, call);
  return listValue(
    itemsOf(operand).filter((item) => passes(attributeOf(item, textOf(attribute))) === wanted),
  );
}

/** A test by its name, with its further arguments. */
function testOf(name: string, others: RuntimeValue[], call: FilterCall): (value: RuntimeValue) => boolean {
  const [other] = others;
  const equals = (value: RuntimeValue) => other !== undefined && isEqual(value, other, call.step);
  if (["equalto", "eq", "=="].includes(name)) return equals;
  if (["ne", "!="].includes(name)) return (value) => !equals(value);
  if (name === "in" && Array.isArray(other?.value)) {
    const items = other.value;
    return (value) => isWithin(value, items, call.step);
  }
  const test = pythonTests.get(name) ?? call.environment.tests.get(name);
  if (test === undefined) throw new Error(`the test ${name}`);
  return (value) => test(value, ...others);
}

/** An attribute by its path, such as `function.name`. */
function attributeOf(item: RuntimeValue, path: string): RuntimeValue {
  let value = item;
  for (const part of path.split(".")) {
    if (isUndefined(value)) throw new Error(`the attribute ${part} of an undefined value`);
    const { value: content } = value;
    if (content instanceof Map) value = content.get(part) ?? undefinedValue;
    else
      value =
        (Array.isArray(content) && /^\d+$/.test(part) ? content[Number(part)] : undefined) ?? undefinedValue;
  }
  return value;
}
