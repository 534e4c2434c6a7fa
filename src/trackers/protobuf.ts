/** An encoded field of a message; fields of a message are joined in the order of their numbers. */
export type EncodedField = Uint8Array;

const varintType = 0;
const doubleType = 1;
const bytesType = 2;
const floatType = 5;

/**
 * Joins fields to a message.
 * Format: https://protobuf.dev/programming-guides/encoding/
 */
export const message = (...fields: readonly EncodedField[]): Uint8Array => Buffer.concat(fields);

/** An integer of at least 0; zero, the default of proto3, is left out. */
export function integerField(number: number, value: number): EncodedField {
  if (value === 0) return Buffer.alloc(0);
  return Buffer.from([...varint(tag(number, varintType)), ...varint(value)]);
}

/** A number in 8 bytes; zero is left out. */
export function doubleField(number: number, value: number): EncodedField {
  if (Object.is(value, 0)) return Buffer.alloc(0);
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(varint(tag(number, doubleType))), bytes]);
}

/** A number in 4 bytes, written even when it is 0, as members of a `oneof` are. */
export function floatMember(number: number, value: number): EncodedField {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([Buffer.from(varint(tag(number, floatType))), bytes]);
}

/** A number in 8 bytes, written even when it is 0, as members of a `oneof` are. */
export function doubleMember(number: number, value: number): EncodedField {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(varint(tag(number, doubleType))), bytes]);
}

/** A truth value, written even when it is false, as members of a `oneof` are. */
export const booleanMember = (number: number, value: boolean): EncodedField =>
  Buffer.from([...varint(tag(number, varintType)), value ? 1 : 0]);

/** A text, bytes, or a message of fields; empty ones are written too. */
export function bytesField(number: number, value: string | Uint8Array): EncodedField {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([Buffer.from([...varint(tag(number, bytesType)), ...varint(bytes.length)]), bytes]);
}

const tag = (number: number, type: number) => number * 8 + type;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return [...bytes, rest];
}
