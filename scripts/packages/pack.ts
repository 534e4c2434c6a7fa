// Tarballs of folders, as npm makes them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { run } from "../../src/setup/run-program.ts";
import { elementAt } from "../../src/util/elements.ts";

/** Where packages are made; git ignores it. */
export const packagesFolder = join(packageRoot, "packages");

/** A tarball. */
export interface Packed {
  name: string;
  path: string;
  /** In bytes, packed and unpacked. */
  size: number;
  unpackedSize: number;
}

/** What is taken over from the repository's package.json. */
interface OwnPackage {
  version: string;
  author: string;
  repository?: unknown;
  engines: { node: string };
}

export function ownPackage(): OwnPackage {
  return JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
}

/** Packs a folder into `packages`. */
export async function pack(folder: string): Promise<Packed> {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", packagesFolder];
  const { code, stdout, stderr } = await run("npm", args, { cwd: folder });
  if (code !== 0) throw new Error(`npm pack ends with ${code} in ${folder}:\n${stderr}`);
  // A list, or an object by names: that depends on npm's version.
  const listed: Record<string, { name: string; filename: string; size: number; unpackedSize: number }> =
    JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  const { name, filename, size, unpackedSize } = elementAt(Object.values(listed), 0);
  return {
    name,
    path: join(packagesFolder, filename.replace("@", "").replace("/", "-")),
    size,
    unpackedSize,
  };
}
