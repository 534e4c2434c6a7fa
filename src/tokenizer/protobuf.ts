/** A fault in the wire format; `offset` counts bytes. */
export class ProtobufError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** A field's number and its value: a message, text or bytes for wire type 2, a number for the others. */
export interface Field {
  readonly number: number;
  readonly bytes?: Uint8Array;
  /** The low 32 bits of a varint, signed; enough for the fields read here. */
  readonly int?: number;
  readonly float?: number;
}

const longestVarint = 10;

/**
 * The fields of a protobuf message in file order. Every length is checked against the message.
 * Format: https://protobuf.dev/programming-guides/encoding/
 * @throws ProtobufError
 */
export function* readFields(message: Uint8Array): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let position = 0;

  function varint(): number {
    const start = position;
    let value = 0;
    for (let i = 0; i < longestVarint; i++) {
      const byte = message[position++];
      if (byte === undefined) throw new ProtobufError("a number is cut off", start);
      if (i < 5) value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("a number is longer than 10 bytes", start);
  }

  function take(length: number): number {
    const start = position;
    if (length < 0 || length > message.length - start) {
      throw new ProtobufError("a field reaches beyond the end", start);
    }
    position += length;
    return start;
  }

  while (position < message.length) {
    const start = position;
    const tag = varint() >>> 0;
    const number = tag >>> 3;
    if (number === 0) throw new ProtobufError("field number 0", start);
    const wireType = tag & 7;
    if (wireType === 0) yield { number, int: varint() };
    else if (wireType === 1) take(8);
    else if (wireType === 2) {
      const length = varint();
      const begin = take(length);
      yield { number, bytes: message.subarray(begin, begin + length) };
    } else if (wireType === 5) yield { number, float: view.getFloat32(take(4), true) };
    else throw new ProtobufError(`wire type ${wireType}`, start);
  }
}
