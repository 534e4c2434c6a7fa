import type { RuntimeValue } from "@huggingface/jinja";
import { pythonStr } from "./python-text.ts";
import {
  booleanValue,
  floatValue,
  integerValue,
  isFloat,
  isMapping,
  isText,
  isTuple,
  isUndefined,
  textValue,
} from "./runtime-values.ts";

/**
 * What Python makes of two operands where Jinja's interpreter in JavaScript makes something else; undefined where that one does
 * the same, or says itself that it cannot.
 * @param step is called for each pair that is compared
 */
export function combine(
  operator: string,
  left: RuntimeValue,
  right: RuntimeValue,
  step: () => void,
): RuntimeValue | undefined {
  switch (operator) {
    case "~":
      return textValue(pythonStr(left) + pythonStr(right));
    case "+":
      return concatenation(left, right);
    case "==":
      return booleanValue(isEqual(left, right, step));
    case "!=":
      return booleanValue(!isEqual(left, right, step));
    case "in":
    case "not in":
      if (!Array.isArray(right.value)) return undefined;
      return booleanValue(isWithin(left, right.value, step) === (operator === "in"));
    case "%":
    case "/":
    case "//":
      return quotient(operator, left, right);
    default:
      return undefined;
  }
}

function concatenation(left: RuntimeValue, right: RuntimeValue): RuntimeValue | undefined {
  if (typeof left.value === "string" && typeof right.value === "string")
    return textValue(left.value + right.value);
  if (isText(left) || isText(right))
    throw new Error(`+ between ${typeName(left)} and ${typeName(right)}, which Python refuses`);
  return undefined;
}

function quotient(operator: string, left: RuntimeValue, right: RuntimeValue): RuntimeValue | undefined {
  const [a, b] = [left.value, right.value];
  if (typeof a !== "number" || typeof b !== "number") return undefined;
  if (b === 0) throw new Error(`${operator} by zero`);
  if (operator !== "%") return undefined;
  const rest = a % b;
  const result = rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  if (!isFloat(left) && !isFloat(right)) return integerValue(result === 0 ? 0 : result);
  return floatValue(result === 0 ? Math.sign(b) * 0 : result);
}

export const isWithin = (value: RuntimeValue, items: readonly RuntimeValue[], step: () => void): boolean =>
  items.some((item) => isEqual(item, value, step));

/** Python's `==`: by what values hold, a truth value as 0 or 1. */
export function isEqual(left: RuntimeValue, right: RuntimeValue, step: () => void): boolean {
  if (left === right) return true;
  const [a, b] = [left.value, right.value];
  if (isNothing(a) || isNothing(b)) return left.type === right.type;
  if (isNumeric(a) && isNumeric(b)) return !(a < b) && !(a > b) && !Number.isNaN(a) && !Number.isNaN(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    step();
    return (
      isTuple(left) === isTuple(right) &&
      a.length === b.length &&
      a.every((item, i) => isItemEqual(item, b[i], step))
    );
  }
  if (isMapping(left) && isMapping(right) && a instanceof Map && b instanceof Map) {
    step();
    return a.size === b.size && [...a].every(([key, item]) => isItemEqual(item, b.get(key), step));
  }
  return a === b;
}

const isNothing = (value: unknown) => value === undefined || value === null;

function isItemEqual(item: RuntimeValue, other: RuntimeValue | undefined, step: () => void): boolean {
  step();
  return other !== undefined && isEqual(item, other, step);
}

const isNumeric = (value: unknown): value is number | bigint | boolean =>
  typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";

const typeNames: ReadonlyMap<string, string> = new Map([
  ["StringValue", "a text"],
  ["IntegerValue", "an integer"],
  ["FloatValue", "a float"],
  ["BooleanValue", "a truth value"],
  ["NullValue", "none"],
  ["UndefinedValue", "an undefined value"],
  ["ArrayValue", "a list"],
  ["TupleValue", "a tuple"],
  ["ObjectValue", "a mapping"],
  ["NamespaceValue", "a namespace"],
  ["FunctionValue", "a function"],
]);

/** What a value is, for messages. */
export const typeName = ({ type }: RuntimeValue) => typeNames.get(type) ?? type;

type Test = (value: RuntimeValue) => boolean;

/** Jinja's tests that the interpreter in JavaScript answers otherwise. */
export const pythonTests: ReadonlyMap<string, Test> = new Map<string, Test>([
  ["iterable", (value) => isSequence(value)],
  ["sequence", (value) => isSequence(value)],
  ["callable", (value) => typeof value.value === "function" || isUndefined(value)],
  ["number", ({ value }) => isNumeric(value)],
  ["float", (value) => isFloat(value)],
  // What has no letters is neither.
  ["lower", (value) => isCased(pythonStr(value), (text) => text.toLowerCase())],
  ["upper", (value) => isCased(pythonStr(value), (text) => text.toUpperCase())],
]);

/** Also an undefined value, which is as an empty list. */
const isSequence = (value: RuntimeValue) =>
  isText(value) || Array.isArray(value.value) || isMapping(value) || isUndefined(value);

const isCased = (text: string, change: (text: string) => string) =>
  text === change(text) && text.toLowerCase() !== text.toUpperCase();
