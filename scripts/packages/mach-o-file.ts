// Reads what a Mach-O library for 64 bits says of itself: load commands and the table of symbols.
import { readFileSync } from "node:fs";

/** A symbol that another library has. */
export interface Import {
  name: string;
  /** The path of that library, as the file has it; undefined for one that is looked for in the whole process. */
  from: string | undefined;
}

/** A library of macOS. */
export interface MachOFile {
  /** Paths of the libraries that it needs; `@rpath/NAME` is looked for in `searched`. */
  libraries: readonly string[];
  searched: readonly string[];
  /** The oldest macOS that loads it. */
  minimum: string;
  exports: ReadonlySet<string>;
  imports: readonly Import[];
}

const magic = 0xfeedfacf;
const headerSize = 32;
const symbolSize = 16;
const libraryCommands: ReadonlySet<number> = new Set([0x0c, 0x8000_0018, 0x8000_001f, 0x8000_0023]);
const [rpathCommand, buildVersionCommand, symbolTableCommand] = [0x8000_001c, 0x32, 0x02];
/** Bits of a symbol's type, and the number of the library of one that is looked for everywhere. */
const [isForDebuggers, typeBits, isExternal, flatLookup] = [0xe0, 0x0e, 0x01, 0xfe];

/** Reads a library. @throws Error for a file of another kind */
export function readMachO(path: string): MachOFile {
  const bytes = readFileSync(path);
  if (bytes.length < headerSize || bytes.readUInt32LE(0) !== magic)
    throw new Error(`${path} is no 64-bit Mach-O file`);
  const libraries: string[] = [];
  const searched: string[] = [];
  let minimum = "";
  let table: SymbolTable | undefined;
  const count = bytes.readUInt32LE(16);
  for (let i = 0, at = headerSize; i < count; i++, at += bytes.readUInt32LE(at + 4)) {
    const command = bytes.readUInt32LE(at);
    const text = () => textAt(bytes, at + bytes.readUInt32LE(at + 8));
    if (libraryCommands.has(command)) libraries.push(text());
    else if (command === rpathCommand) searched.push(text());
    else if (command === buildVersionCommand) minimum = versionOf(bytes.readUInt32LE(at + 12));
    else if (command === symbolTableCommand) {
      const [start = 0, symbols = 0, names = 0] = [8, 12, 16].map((offset) =>
        bytes.readUInt32LE(at + offset),
      );
      table = { start, symbols, names };
    }
  }
  if (table === undefined) throw new Error(`${path} has no table of symbols`);
  return { libraries, searched, minimum, ...symbolsOf(bytes, table, libraries) };
}

/** Where the table begins, how many symbols it has, and where their names are. */
interface SymbolTable {
  start: number;
  symbols: number;
  names: number;
}

function symbolsOf(bytes: Buffer, { start, symbols, names }: SymbolTable, libraries: readonly string[]) {
  const exports = new Set<string>();
  const imports: Import[] = [];
  for (let i = 0; i < symbols; i++) {
    const at = start + i * symbolSize;
    const type = bytes.readUInt8(at + 4);
    if ((type & isForDebuggers) !== 0 || (type & isExternal) === 0) continue;
    const name = textAt(bytes, names + bytes.readUInt32LE(at));
    if ((type & typeBits) !== 0) {
      exports.add(name);
      continue;
    }
    const library = bytes.readUInt16LE(at + 6) >> 8;
    imports.push({ name, from: library === flatLookup ? undefined : libraries[library - 1] });
  }
  return { exports, imports };
}

function textAt(bytes: Buffer, start: number): string {
  return bytes.toString("utf8", start, bytes.indexOf(0, start));
}

const versionOf = (packed: number) => `${packed >> 16}.${(packed >> 8) & 0xff}`;
