import { closeSync, fstatSync, readSync } from "node:fs";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { openFile } from "../util/read-file.ts";
import { ggufFormatError } from "./format-error.ts";

const windowBytes = 1 << 18;

/** Reads a file's little-endian values one after another, through a window, never beyond its end. */
export class ByteReader implements Disposable {
  readonly path: string;
  /** File size in bytes. */
  readonly size: number;
  position = 0;
  /** What is being read, for messages. */
  context = "the header";
  private readonly descriptor: number;
  private window: Buffer = Buffer.alloc(0);
  private windowStart = 0;

  /** @throws ScaloraError `format` when the file cannot be opened */
  constructor(path: string) {
    this.path = path;
    try {
      this.descriptor = openFile(path);
    } catch (cause) {
      const found = messageOf(cause);
      throw new ScaloraError("format", "Cannot open the GGUF file", { where: path, found, cause });
    }
    this.size = fstatSync(this.descriptor).size;
  }

  get remaining(): number {
    return this.size - this.position;
  }

  /** The next bytes; valid until the next call. */
  bytes(count: number): Buffer {
    const offset = this.take(count);
    return this.window.subarray(offset, offset + count);
  }

  skip(count: number): void {
    this.requireBytes(count);
    this.position += count;
  }

  /** @throws ScaloraError `format` when fewer than `count` bytes are left in the file */
  requireBytes(count: number): void {
    if (count <= this.remaining) return;
    throw ggufFormatError(this.where, "The file is truncated, or one of its sizes is wrong", {
      expected: `${count} more bytes at byte ${this.position}`,
      found: `${this.remaining} bytes before the end of the file`,
      fix: "download or copy the file again",
    });
  }

  uint32(): number {
    const offset = this.take(4);
    return this.window.readUInt32LE(offset);
  }

  /** A 64-bit count, length or offset. */
  readSize(): number {
    const offset = this.take(8);
    const value = this.window.readUInt32LE(offset) + this.window.readUInt32LE(offset + 4) * 2 ** 32;
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    throw ggufFormatError(this.where, "A size in the file is impossible", {
      expected: `at most the ${this.size} bytes of the file`,
      found: `${this.window.readBigUInt64LE(offset)}`,
      fix: "download or copy the file again",
    });
  }

  /** The length prefix of a string, in bytes. @param maxBytes a longer string is refused before it is read */
  stringLength(maxBytes: number): number {
    const count = this.readSize();
    this.requireBytes(count);
    if (count <= maxBytes) return count;
    throw ggufFormatError(this.where, "A string in the file is too long", {
      expected: `at most ${maxBytes} bytes`,
      found: `${count}`,
    });
  }

  /** A length-prefixed string. */
  string(maxBytes: number): string {
    const count = this.stringLength(maxBytes);
    const offset = this.take(count);
    // Several times as fast as the strict decoder, which a vocabulary calls a million times; it marks what is not UTF-8.
    const text = this.window.toString("utf8", offset, offset + count);
    return text.includes("\ufffd") ? this.strictText(this.window.subarray(offset, offset + count)) : text;
  }

  private strictText(bytes: Buffer): string {
    try {
      return utf8Decoder.decode(bytes);
    } catch (cause) {
      throw ggufFormatError(this.where, "A string is not UTF-8", {
        found: bytes.toString("hex", 0, 16),
        cause,
      });
    }
  }

  get where(): string {
    return `${this.path}, ${this.context}`;
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }

  /** Passes the next bytes, which the window then holds. @returns where in it */
  private take(count: number): number {
    this.requireBytes(count);
    let offset = this.position - this.windowStart;
    if (offset < 0 || offset + count > this.window.length) {
      this.refill(Math.max(count, windowBytes));
      offset = 0;
    }
    this.position += count;
    return offset;
  }

  private refill(wanted: number): void {
    const length = Math.min(wanted, this.remaining);
    if (this.window.length < length) this.window = Buffer.allocUnsafe(length);
    this.windowStart = this.position;
    let done = 0;
    while (done < length) {
      const read = readSync(this.descriptor, this.window, done, length - done, this.position + done);
      if (read === 0) throw ggufFormatError(this.where, "The file became shorter while it was read", {});
      done += read;
    }
    this.window = this.window.subarray(0, length);
  }
}

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
