import { isRecord, type Json } from "./json.ts";

/**
 * The values of nested objects by dotted keys, `train.lr`; lists of plain values stay whole, other lists are numbered. Keys
 * without a value are left out.
 */
export function flattenKeys(value: unknown, key = ""): Map<string, Json> {
  const inside = (name: string) => (key === "" ? name : `${key}.${name}`);
  if (isPlain(value)) return value === null ? new Map() : new Map([[key, value]]);
  if (Array.isArray(value)) {
    const plain = value.filter(isPlain);
    if (plain.length === value.length) return new Map([[key, plain]]);
  } else if (!isRecord(value)) return new Map();
  return new Map(Object.entries(value).flatMap(([name, each]) => [...flattenKeys(each, inside(name))]));
}

const isPlain = (value: unknown): value is string | number | boolean | null =>
  value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
