import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/**
 * Makes a file unreadable, as one on bad blocks of a disk is: the one of the `count`-th read below a folder. Changes `node:fs`
 * for the whole process.
 */
export function failAtFileRead(count: number, folder: string): void {
  let remaining = count;
  let bad: string | undefined;
  const paths = new Map<number, string>();
  const { openSync, readFileSync, readSync, closeSync } = fs;
  const check = (path: unknown) => {
    if (typeof path !== "string" || !path.startsWith(folder)) return;
    remaining -= 1;
    if (remaining === 0) bad = path;
    if (path === bad) throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
  };
  Object.assign(fs, {
    openSync: (path: string, flags = "r", mode?: number) => {
      const descriptor = openSync(path, flags, mode);
      paths.set(descriptor, path);
      return descriptor;
    },
    closeSync: (descriptor: number) => {
      paths.delete(descriptor);
      closeSync(descriptor);
    },
    readSync: (descriptor: number, ...rest: [NodeJS.ArrayBufferView]) => {
      check(paths.get(descriptor));
      return readSync(descriptor, ...rest);
    },
    readFileSync: (path: string | number, options?: BufferEncoding) => {
      check(typeof path === "number" ? paths.get(path) : path);
      return readFileSync(path, options);
    },
  });
  syncBuiltinESMExports();
}
