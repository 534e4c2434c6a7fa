import { isAbsolute, relative } from "node:path";

/** Makes a path below the working directory relative, so that the folder can be moved. */
export function relativeIfBelow(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside === "" || inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

/** A path relative to the working directory. */
export const relativeToCwd = (path: string) => relative(process.cwd(), path) || ".";
