import { valueKind } from "./types.ts";

/** A metadata value to write, with the kind that readers of the format expect there. */
export type MetadataValue =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "uint32" | "float32"; readonly value: number }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "int32s" | "float32s"; readonly value: readonly number[] };

export type MetadataItem = readonly [key: string, value: MetadataValue];

export const text = (key: string, value: string): MetadataItem => [key, { kind: "string", value }];
export const count = (key: string, value: number): MetadataItem => [key, { kind: "uint32", value }];
export const real = (key: string, value: number): MetadataItem => [key, { kind: "float32", value }];
export const flag = (key: string, value: boolean): MetadataItem => [key, { kind: "bool", value }];
export const texts = (key: string, value: readonly string[]): MetadataItem => [
  key,
  { kind: "strings", value },
];
export const wholes = (key: string, value: readonly number[]): MetadataItem => [
  key,
  { kind: "int32s", value },
];
export const reals = (key: string, value: readonly number[]): MetadataItem => [
  key,
  { kind: "float32s", value },
];

/** @param tagged whether the number of the kind stands before it */
export function valueBytes(value: MetadataValue, tagged: boolean): Buffer {
  const [kind, bytes] = encoded(value);
  return tagged ? Buffer.concat([uint32(kind), bytes]) : bytes;
}

function encoded(item: MetadataValue): readonly [kind: number, bytes: Buffer] {
  switch (item.kind) {
    case "string":
      return [valueKind.string, stringBytes(item.value)];
    case "bool":
      return [valueKind.bool, Buffer.from([item.value ? 1 : 0])];
    case "uint32":
      return [valueKind.uint32, uint32(item.value)];
    case "float32":
      return [valueKind.float32, typed(new Float32Array([item.value]))];
    case "strings":
      return list(valueKind.string, item.value.length, Buffer.concat(item.value.map(stringBytes)));
    case "int32s":
      return list(valueKind.int32, item.value.length, typed(Int32Array.from(item.value)));
    case "float32s":
      return list(valueKind.float32, item.value.length, typed(Float32Array.from(item.value)));
  }
}

function list(kind: number, length: number, bytes: Buffer): readonly [number, Buffer] {
  return [valueKind.array, Buffer.concat([uint32(kind), uint64(length), bytes])];
}

function stringBytes(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  return typed(new Uint32Array([value]));
}

function uint64(value: number): Buffer {
  return typed(new BigUint64Array([BigInt(value)]));
}

/** The machines that libtorch is made for are little-endian, as the format is. */
function typed(array: Uint32Array | Int32Array | Float32Array | BigUint64Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
