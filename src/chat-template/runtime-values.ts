import { Environment, Interpreter, type RuntimeValue, type SyntaxNode } from "@huggingface/jinja";
import { isRecord } from "../util/json.ts";
import { JsonNumber } from "../util/strict-json.ts";

/** Makes values of literals: the package does not export their classes. */
const maker = new Interpreter(new Environment());
const noVariables = new Environment();
const literal = (type: string, value: unknown) => {
  const node: SyntaxNode & { value: unknown } = { type, value };
  return maker.evaluate(node, noVariables);
};

const trueValue = new Environment().set("value", true);
const falseValue = new Environment().set("value", false);
const noneValue = new Environment().set("value", null);
export const undefinedValue = new Environment().set("value", undefined);

export const textValue = (value: string) => literal("StringLiteral", value);
/** @param value a bigint where a number would not be exact */
export const integerValue = (value: number | bigint) => literal("IntegerLiteral", value);
export const floatValue = (value: number) => literal("FloatLiteral", value);
export const booleanValue = (value: boolean) => (value ? trueValue : falseValue);
export const functionValue = (call: (...args: unknown[]) => unknown) => new Environment().set("value", call);

export function listValue(items: readonly RuntimeValue[]): RuntimeValue {
  const list = literal("ArrayLiteral", []);
  list.value = [...items];
  return list;
}

/** Tuples that are lists to the interpreter, whose `for` takes no others apart. */
const pairs = new WeakSet<RuntimeValue>();

/** The list with its items, pairs of a mapping, as tuples. */
export function withPairs(list: RuntimeValue | undefined): RuntimeValue {
  if (list === undefined || !Array.isArray(list.value)) return undefinedValue;
  for (const pair of list.value) pairs.add(pair);
  return list;
}

/** Data as values of a template: numbers of JSON keep their kind and all their digits, maps their order. */
export function toRuntimeValue(data: unknown): RuntimeValue {
  if (typeof data === "string") return textValue(data);
  if (typeof data === "boolean") return booleanValue(data);
  if (typeof data === "bigint") return integerValue(Number.isSafeInteger(Number(data)) ? Number(data) : data);
  if (typeof data === "number") return Number.isInteger(data) ? integerValue(data) : floatValue(data);
  if (data === null) return noneValue;
  if (data === undefined) return undefinedValue;
  if (data instanceof JsonNumber) return numberValue(data);
  if (Array.isArray(data)) return listValue(data.map(toRuntimeValue));
  if (!isRecord(data)) throw new Error(`a template has no values of type ${typeof data}`);
  const result = literal("ObjectLiteral", []);
  const entries = data instanceof Map ? data.entries() : Object.entries(data);
  result.value = new Map([...entries].map(([key, value]) => [String(key), toRuntimeValue(value)]));
  return result;
}

function numberValue({ text }: JsonNumber): RuntimeValue {
  const value = Number(text);
  if (!/^-?\d+$/.test(text)) return floatValue(value);
  return integerValue(Number.isSafeInteger(value) ? value : BigInt(text));
}

export const isText = ({ type }: RuntimeValue) => type === "StringValue";
export const isNone = ({ type }: RuntimeValue) => type === "NullValue";
export const isTuple = (value: RuntimeValue) => value.type === "TupleValue" || pairs.has(value);
export const isUndefined = ({ type }: RuntimeValue) => type === "UndefinedValue";
export const isFloat = ({ type }: RuntimeValue) => type === "FloatValue";
export const isMapping = ({ type }: RuntimeValue) =>
  type === "ObjectValue" || type === "KeywordArgumentsValue";
