// Reads which libraries a Windows library (PE, 64 bits) needs.
import { readFileSync } from "node:fs";

const headerPointer = 0x3c;
const [coffSize, importDirectory, sectionSize, importSize] = [24, 120, 40, 20];

/** File names of the libraries whose functions a library imports. @throws Error for a file of another kind */
export function neededDlls(path: string): string[] {
  const bytes = readFileSync(path);
  const header = bytes.length > headerPointer + 4 ? bytes.readUInt32LE(headerPointer) : bytes.length;
  const isLibrary =
    header + coffSize + importDirectory < bytes.length &&
    bytes.toString("latin1", header, header + 4) === "PE\0\0";
  const optional = header + coffSize;
  if (!isLibrary || bytes.readUInt16LE(optional) !== 0x20b)
    throw new Error(`${path} is no 64-bit Windows library`);
  const sections = sectionsOf(bytes, header);
  const names: string[] = [];
  const table = bytes.readUInt32LE(optional + importDirectory);
  if (table === 0) return names;
  for (let at = placeOf(table, sections); ; at += importSize) {
    const name = bytes.readUInt32LE(at + 12);
    if (name === 0) return names;
    const start = placeOf(name, sections);
    names.push(bytes.toString("latin1", start, bytes.indexOf(0, start)));
  }
}

/** A part of the file, and where it is in memory. */
interface Section {
  address: number;
  size: number;
  offset: number;
}

function sectionsOf(bytes: Buffer, header: number): Section[] {
  const count = bytes.readUInt16LE(header + 6);
  const first = header + coffSize + bytes.readUInt16LE(header + 20);
  return Array.from({ length: count }, (_, index) => {
    const at = first + index * sectionSize;
    const [size = 0, address = 0, , offset = 0] = [8, 12, 16, 20].map((field) =>
      bytes.readUInt32LE(at + field),
    );
    return { address, size, offset };
  });
}

/** Where in the file an address is. */
function placeOf(address: number, sections: readonly Section[]): number {
  const section = sections.find((one) => address >= one.address && address < one.address + one.size);
  if (section === undefined) throw new Error(`no section has the address ${address}`);
  return address - section.address + section.offset;
}
