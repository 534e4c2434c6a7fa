// Zip archives, as far as wheels need them: their directory, and their files one by one.
import { inflateRawSync } from "node:zlib";

/** A file in an archive. */
export interface ZipMember {
  name: string;
  /** 0: stored as it is, 8: deflated. */
  method: number;
  compressedSize: number;
  size: number;
  /** Where its local header begins in the archive, and where the next file's does. */
  start: number;
  end: number;
}

/** Bytes of an archive, `end` not included. */
export interface Span {
  start: number;
  end: number;
}

const endRecordSize = 22;
const [endSignature, memberSignature, localSignature] = [0x06054b50, 0x02014b50, 0x04034b50];
const unsupported = (what: string) => new Error(`not a zip archive that set-up can read: ${what}`);

/** Where the directory of an archive lies. @param tail its last bytes, at least 64 KiB of a longer one */
export function directorySpan(tail: Buffer): Span {
  for (let at = tail.length - endRecordSize; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== endSignature) continue;
    const [size, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
    if (start === 0xffffffff) throw unsupported("64-bit offsets");
    return { start, end: start + size };
  }
  throw unsupported("no end record");
}

/** The files that an archive's directory lists, by their place in the archive. @param at where the directory begins */
export function zipMembers(directory: Buffer, at: number): ZipMember[] {
  const members: ZipMember[] = [];
  for (let i = 0; i < directory.length; ) {
    if (directory.readUInt32LE(i) !== memberSignature) throw unsupported("a damaged directory");
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((field) => directory.readUInt16LE(i + field));
    const nameEnd = i + 46 + (nameSize ?? 0);
    members.push({
      name: directory.toString("utf8", i + 46, nameEnd),
      method: directory.readUInt16LE(i + 10),
      compressedSize: directory.readUInt32LE(i + 20),
      size: directory.readUInt32LE(i + 24),
      start: directory.readUInt32LE(i + 42),
      end: at,
    });
    i = nameEnd + (extraSize ?? 0) + (commentSize ?? 0);
  }
  members.sort((a, b) => a.start - b.start);
  return members.map((member, i) => ({ ...member, end: members[i + 1]?.start ?? at }));
}

/** Joins files that lie less than `gap` bytes apart. @param members by their place */
export function spansOf(members: readonly ZipMember[], gap: number): Span[] {
  const spans: Span[] = [];
  for (const { start, end } of members) {
    const last = spans.at(-1);
    if (last !== undefined && start - last.end < gap) last.end = end;
    else spans.push({ start, end });
  }
  return spans;
}

/** The content of a file. @param bytes of the archive, from the file's start to its end */
export function unzipMember(bytes: Buffer, { name, method, compressedSize, size }: ZipMember): Buffer {
  if (bytes.readUInt32LE(0) !== localSignature) throw unsupported(`no header of ${name}`);
  const from = 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  const packed = bytes.subarray(from, from + compressedSize);
  if (method === 0) return packed;
  if (method !== 8) throw unsupported(`compression ${method} of ${name}`);
  return inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
}
