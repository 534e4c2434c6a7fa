import { elementAt } from "../../../src/util/elements.ts";
import type { Random } from "../../../src/util/random.ts";
import { lieBytes, type Mutator, mutateBytes, oneOf, replaceRun } from "./bytes.ts";

/** A field of a message: its tag, and its content after the tag (and its length, where it has one). */
interface Field {
  readonly start: number;
  readonly content: number;
  readonly end: number;
  readonly wire: number;
}

function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let at = start, scale = 1; at < bytes.length; at++, scale *= 128) {
    const byte = elementAt(bytes, at);
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: at + 1 };
  }
  return { value, end: bytes.length };
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** The fields of a message, as far as it is one. */
function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let start = 0; start < message.length; ) {
    const tag = readVarint(message, start);
    const wire = tag.value & 7;
    const first = wire === 0 || wire === 2 ? readVarint(message, tag.end) : { value: 0, end: tag.end };
    const size = wire === 2 ? first.value : wire === 1 ? 8 : wire === 5 ? 4 : 0;
    const end = first.end + size;
    if (end > message.length || wire === 3 || wire === 4 || wire > 5) break;
    fields.push({ start, content: wire === 0 ? tag.end : first.end, end, wire });
    start = end;
  }
  return fields;
}

/** A field with other content, its length told right or, now and then, wrong. */
function withContent(message: Uint8Array, field: Field, content: Uint8Array, random: Random): Uint8Array {
  const tag = readVarint(message, field.start);
  const length = random.integerBelow(12) === 0 ? random.integerBelow(2 ** 31) : content.length;
  const head = field.wire === 2 ? [...message.subarray(field.start, tag.end), ...varint(length)] : [];
  return field.wire === 2
    ? replaceRun(message, field.start, field.end, Buffer.concat([Uint8Array.from(head), content]))
    : replaceRun(message, field.content, field.end, content);
}

/** Changes one field of a message, at any depth. */
function changeField(message: Uint8Array, random: Random): Uint8Array {
  const fields = fieldsOf(message);
  if (fields.length === 0) return mutateBytes(message, random);
  const rare = fields.filter(({ start }) => start > (fields.at(-1)?.end ?? 0) - 2000);
  const field = random.pick(random.integerBelow(2) === 0 ? rare : fields);
  const content = message.subarray(field.content, field.end);
  const other = random.pick(fields);
  switch (random.integerBelow(8)) {
    case 0:
      return replaceRun(message, field.start, field.end, new Uint8Array());
    case 1:
      return replaceRun(message, other.start, other.start, message.subarray(field.start, field.end));
    case 2:
      return withContent(message, field, message.subarray(other.content, other.end), random);
    case 3:
      return withContent(message, field, lieBytes(random), random);
    default:
      return withContent(
        message,
        field,
        field.wire === 2 ? changeField(content, random) : lieBytes(random),
        random,
      );
  }
}

/** Damage to a protobuf message, such as a SentencePiece model: fields at any depth, their lengths, any byte. */
export const mutateProtobuf: Mutator = oneOf(changeField, changeField, changeField, mutateBytes);
