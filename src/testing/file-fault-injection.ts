import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** tsx makes its cache folder in the middle of a run, when it first translates a source that the cache does not have. */
const isTranslatorsFolder = (path: string) => path.startsWith(join(tmpdir(), "tsx"));

/**
 * Makes the `count`-th change of a file from now on fail: the call does half its work, then `end` is called, which ends
 * the process or throws. Later writes fail too (a full disk stays full), later renames and removals do not. It changes
 * `node:fs` for the whole process.
 * @returns what ends this
 */
export function failAtFileChange(count: number, end: () => void): () => void {
  let remaining = count;
  const failsNow = () => --remaining === 0;
  const isDiskFull = () => --remaining <= 0;
  const { writeSync, writeFileSync, fsyncSync, renameSync, rmSync, mkdirSync } = fs;
  const whole = { writeSync, writeFileSync, fsyncSync, renameSync, rmSync, mkdirSync };
  const half = (data: unknown) =>
    data instanceof Uint8Array ? data.subarray(0, data.length >> 1) : Buffer.from(String(data).slice(0, 20));
  Object.assign(fs, {
    writeSync: (descriptor: number, data: string | Uint8Array, offset?: number, length?: number) => {
      if (isDiskFull()) {
        writeSync(descriptor, half(data));
        end();
      }
      return typeof data === "string"
        ? writeSync(descriptor, data)
        : writeSync(descriptor, data, offset, length);
    },
    // appendFileSync calls it too.
    writeFileSync: (path: string, data: string, options?: object) => {
      if (isDiskFull()) {
        writeFileSync(path, half(data), options);
        end();
      }
      writeFileSync(path, data, options);
    },
    fsyncSync: (descriptor: number) => (isDiskFull() ? end() : fsyncSync(descriptor)),
    renameSync: (from: string, to: string) => (failsNow() ? end() : renameSync(from, to)),
    rmSync: (path: string, options?: object) => (failsNow() ? end() : rmSync(path, options)),
    mkdirSync: (path: string, options?: object) =>
      !isTranslatorsFolder(path) && isDiskFull() ? end() : mkdirSync(path, options),
  });
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, whole);
    syncBuiltinESMExports();
  };
}
