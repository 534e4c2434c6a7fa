import { closeSync } from "node:fs";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { openFile } from "../util/read-file.ts";
import { readLines, readPieces } from "../util/read-lines.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Streams the lines of a text file, which end at "\n" only, without it.
 * @throws ScaloraError `data` naming file and line for a line that is not UTF-8
 */
export function* readTextLines(path: string): Generator<string> {
  let line = 0;
  for (const bytes of readLines(dataPieces(path))) {
    line++;
    yield decodeUtf8(bytes, `${path}:${line}`);
  }
}

/** The content of a text file, without a byte order mark and with "\r\n" read as "\n". */
export function readText(path: string): string {
  const pieces = [...dataPieces(path)];
  return decodeUtf8(Buffer.concat(pieces), path).replaceAll("\r\n", "\n");
}

function* dataPieces(path: string): Generator<Buffer> {
  const file = open(path);
  try {
    yield* readPieces(file);
  } catch (cause) {
    throw new ScaloraError("data", "A data file cannot be read", {
      where: path,
      found: messageOf(cause),
      cause,
    });
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
