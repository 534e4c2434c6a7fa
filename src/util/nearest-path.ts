import { readdirSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { nearestName } from "./nearest-name.ts";

interface Wanted {
  /** Folder that a relative path starts from; the current one by default. */
  readonly cwd?: string;
  /** Endings of the files that may be meant, such as `.yaml`, which are then not compared; by default anything may be. */
  readonly endings?: readonly string[];
}

/** What may be meant by a path at which nothing is: the nearest name in its folder; undefined when none is near. */
export function nearestPath(path: string, { cwd = process.cwd(), endings }: Wanted = {}): string | undefined {
  const compared = (name: string) => (endings === undefined ? name : basename(name, extname(name)));
  const names = namesIn(dirname(resolve(cwd, path))).filter(
    (name) => endings === undefined || endings.includes(extname(name).toLowerCase()),
  );
  const near = nearestName(compared(basename(path)), names.map(compared));
  const name = names.find((candidate) => compared(candidate) === near);
  return name === undefined ? undefined : join(dirname(path), name);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
