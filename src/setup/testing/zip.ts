import { crc32, deflateRawSync } from "node:zlib";

/** A zip archive of these files; those whose names end with .raw are stored as they are. */
export function zip(files: ReadonlyMap<string, Buffer>): Buffer {
  const [bodies, entries]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const [name, content] of files) {
    const isStored = name.endsWith(".raw");
    const packed = isStored ? content : deflateRawSync(content);
    const fields = Buffer.alloc(26);
    for (const [i, value] of [20, 0, isStored ? 0 : 8, 0, 0].entries()) fields.writeUInt16LE(value, 2 * i);
    for (const [i, value] of [crc32(content), packed.length, content.length].entries())
      fields.writeUInt32LE(value, 10 + 4 * i);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    entries.push(Buffer.from("PK\x01\x02\x14\x00"), fields, tail, Buffer.from(name));
    bodies.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, directory, end]);
}
