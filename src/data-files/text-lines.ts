import { closeSync, readSync } from "node:fs";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { openFile } from "../util/read-file.ts";

const pieceBytes = 1 << 20;

const newline = 10;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Streams the lines of a text file, which end at "\n" only, without it.
 * @throws ScaloraError `data` naming file and line for a line that is not UTF-8
 */
export function* readTextLines(path: string): Generator<string> {
  let line = 0;
  for (const bytes of readLines(path)) {
    line++;
    yield decodeUtf8(bytes, `${path}:${line}`);
  }
}

/** The content of a text file, without a byte order mark and with "\r\n" read as "\n". */
export function readText(path: string): string {
  const pieces = [...readPieces(path)];
  return decodeUtf8(Buffer.concat(pieces), path).replaceAll("\r\n", "\n");
}

/** The bytes of every line, without its "\n". */
function* readLines(path: string): Generator<Buffer> {
  let rest: Buffer[] = [];
  for (const piece of readPieces(path)) {
    let start = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, start)) {
      yield Buffer.concat([...rest, piece.subarray(start, end)]);
      rest = [];
      start = end + 1;
    }
    if (start < piece.length) rest.push(piece.subarray(start));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

function* readPieces(path: string): Generator<Buffer> {
  const file = open(path);
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      const read = readPiece(file, piece, path);
      if (read === 0) return;
      yield piece.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    return openFile(path);
  } catch (cause) {
    throw new ScaloraError("data", "A data file cannot be opened", {
      where: path,
      found: messageOf(cause),
      fix: "check the path (relative paths start at the folder where the command runs)",
      cause,
    });
  }
}

function readPiece(file: number, piece: Buffer, path: string): number {
  try {
    return readSync(file, piece);
  } catch (cause) {
    throw new ScaloraError("data", "A data file cannot be read", {
      where: path,
      found: messageOf(cause),
      cause,
    });
  }
}

function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ScaloraError("data", "The data is not UTF-8 text", {
      where,
      fix: "convert the file to UTF-8, for instance with iconv",
      cause,
    });
  }
}
