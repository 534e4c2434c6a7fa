import { valueType } from "./metadata-types.ts";

/** A metadata value to write, with the type that GGUF readers expect. */
export type MetadataValue =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "uint32" | "float32"; readonly value: number }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  | { readonly kind: "int32s" | "float32s"; readonly value: readonly number[] };

export type MetadataItem = readonly [key: string, value: MetadataValue];

export const stringItem = (key: string, value: string): MetadataItem => [key, { kind: "string", value }];
export const uint32Item = (key: string, value: number): MetadataItem => [key, { kind: "uint32", value }];
export const float32Item = (key: string, value: number): MetadataItem => [key, { kind: "float32", value }];
export const boolItem = (key: string, value: boolean): MetadataItem => [key, { kind: "bool", value }];
export const stringArrayItem = (key: string, value: readonly string[]): MetadataItem => [
  key,
  { kind: "strings", value },
];
export const int32ArrayItem = (key: string, value: readonly number[]): MetadataItem => [
  key,
  { kind: "int32s", value },
];
export const float32ArrayItem = (key: string, value: readonly number[]): MetadataItem => [
  key,
  { kind: "float32s", value },
];

/** @param withType whether the value is preceded by its type */
export function encodeMetadataValue(value: MetadataValue, withType: boolean): Buffer {
  const [kind, bytes] = encodeValue(value);
  return withType ? Buffer.concat([uint32(kind), bytes]) : bytes;
}

function encodeValue(item: MetadataValue): readonly [kind: number, bytes: Buffer] {
  switch (item.kind) {
    case "string":
      return [valueType.string, stringBytes(item.value)];
    case "bool":
      return [valueType.bool, Buffer.from([item.value ? 1 : 0])];
    case "uint32":
      return [valueType.uint32, uint32(item.value)];
    case "float32":
      return [valueType.float32, bytesOfTypedArray(new Float32Array([item.value]))];
    case "strings":
      return encodeArray(valueType.string, item.value.length, Buffer.concat(item.value.map(stringBytes)));
    case "int32s":
      return encodeArray(valueType.int32, item.value.length, bytesOfTypedArray(Int32Array.from(item.value)));
    case "float32s":
      return encodeArray(
        valueType.float32,
        item.value.length,
        bytesOfTypedArray(Float32Array.from(item.value)),
      );
  }
}

function encodeArray(kind: number, length: number, bytes: Buffer): readonly [number, Buffer] {
  return [valueType.array, Buffer.concat([uint32(kind), uint64(length), bytes])];
}

function stringBytes(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  return bytesOfTypedArray(new Uint32Array([value]));
}

function uint64(value: number): Buffer {
  return bytesOfTypedArray(new BigUint64Array([BigInt(value)]));
}

/** libtorch's platforms are little-endian, as GGUF is. */
function bytesOfTypedArray(array: Uint32Array | Int32Array | Float32Array | BigUint64Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
