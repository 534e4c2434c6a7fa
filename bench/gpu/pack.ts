// Packs what a bare machine needs beside the repository to run bench/gpu.sh: Node, and the npm packages that run the programs and
// the tests. `node --import tsx bench/gpu/pack.ts [FILE]` writes one archive, by default .local/gpu/pack.tar.xz.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const lockSchema = JSON.parse(readFileSync("package-lock.json", "utf8"));
const file = process.argv[2] ?? ".local/gpu/pack.tar.xz";
const kinds = ["dependencies", "optionalDependencies", "peerDependencies"];

/** The folder that a package finds another in, as Node looks for it; undefined where it is not installed. */
function folderOf(name: string, from: string): string | undefined {
  for (let place = from; ; place = dirname(place)) {
    if (place.endsWith("node_modules")) continue;
    const folder = join(place, "node_modules", name);
    if (existsSync(folder)) return folder;
    if (place === ".") return undefined;
  }
}

/** The folders of packages and of all that they need. */
function withNeeds(names: readonly string[]): Set<string> {
  const found = new Set<string>();
  const visit = (name: string, from: string) => {
    const folder = folderOf(name, from);
    if (folder === undefined || found.has(folder)) return;
    found.add(folder);
    const entry = lockSchema.packages[folder] ?? {};
    for (const needed of kinds.flatMap((kind) => Object.keys(entry[kind] ?? {}))) visit(needed, folder);
  };
  for (const name of names) visit(name, ".");
  return found;
}

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const folders = withNeeds([...Object.keys(dependencies), "tsx", "vitest"]);
/** What other systems run, and what only editors read. */
const unused = [
  "*android*.node",
  "*darwin*.node",
  "*win32*.node",
  "*arm*.node",
  "*musl*.node",
  "*.d.ts",
  "*.map",
  "*.md",
];
mkdirSync(dirname(file), { recursive: true });
const { status } = spawnSync(
  "tar",
  [
    "-cJf",
    file,
    ...unused.map((pattern) => `--exclude=${pattern}`),
    ...[...folders],
    `--transform=s|^${process.execPath.slice(1)}$|node|`,
    process.execPath,
  ],
  { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, XZ_OPT: "-9 -T2" } },
);
process.exitCode = status ?? 1;
