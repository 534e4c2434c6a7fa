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

/** What npm says of a package that it packs. */
interface PackReport {
  name: string;
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

/** Packs a folder into `packages`. */
export async function pack(folder: string): Promise<Packed> {
  const { name, filename, size, unpackedSize } = await npmPack(
    ["--pack-destination", packagesFolder],
    folder,
  );
  return {
    name,
    path: join(packagesFolder, filename.replace("@", "").replace("/", "-")),
    size,
    unpackedSize,
  };
}

/** Runs `npm pack` in a folder. */
export async function npmPack(options: readonly string[], folder: string): Promise<PackReport> {
  const stdout = await runNpm(["pack", "--json", "--ignore-scripts", ...options], folder);
  // A list, or an object by names: that depends on npm's version.
  const listed: Record<string, PackReport> = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  return elementAt(Object.values(listed), 0);
}

/** Runs npm in a folder. @returns what it prints */
export async function runNpm(args: string[], cwd: string): Promise<string> {
  // On Windows npm is no program that can be started, but under npm its script is known.
  const script = process.env["npm_execpath"];
  const [program, first] = script === undefined ? ["npm", []] : [process.execPath, [script]];
  const { code, stdout, stderr } = await run(program, [...first, ...args], { cwd });
  if (code !== 0) throw new Error(`npm ${args[0]} ends with ${code} in ${cwd}:\n${stderr}`);
  return stdout;
}
