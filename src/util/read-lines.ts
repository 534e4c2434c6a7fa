import { readSync } from "node:fs";

const pieceBytes = 1 << 20;
const newline = 10;

/** The content of an open file, piece by piece. @throws the system's error */
export function* readPieces(descriptor: number): Generator<Buffer> {
  for (;;) {
    const piece = Buffer.allocUnsafe(pieceBytes);
    const read = readSync(descriptor, piece);
    if (read === 0) return;
    yield piece.subarray(0, read);
  }
}

/** The bytes of every line, which ends at "\n" only, without it; the last one may have none. */
export function* readLines(pieces: Iterable<Buffer>): Generator<Buffer> {
  let rest: Buffer[] = [];
  for (const piece of pieces) {
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
