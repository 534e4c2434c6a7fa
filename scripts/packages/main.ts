// npm run packages [-- NAME…]: makes npm packages and their tarballs in `packages`: the named ones, which are platforms or
// `scalora`; without a name this machine's and `scalora`. That one asks for all platforms whose tarballs are there.
import { mkdirSync } from "node:fs";
import { relative } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { thisPlatform } from "../../src/setup/platform-package.ts";
import { formatDecimalBytes } from "../../src/setup/progress.ts";
import { log } from "../repository/prepare.ts";
import { makePlatform } from "./make-platform.ts";
import { makeScalora } from "./make-scalora.ts";
import { type Packed, packagesFolder } from "./pack.ts";
import { platforms } from "./platforms.ts";

const names = process.argv.slice(2);
const wanted = names.length > 0 ? names : [thisPlatform, "scalora"];
const known = [...platforms.map(({ name }) => name), "scalora"];
const unknown = wanted.filter((name) => !known.includes(name));
const chosen = platforms.filter(({ name }) => wanted.includes(name));
if (unknown.length > 0) {
  console.error(`no package is made for ${unknown.join(", ")}, only for ${known.join(", ")}`);
  process.exit(2);
}

mkdirSync(packagesFolder, { recursive: true });
const packed: Packed[] = [];
for (const platform of chosen) packed.push(await makePlatform(platform, log));
if (wanted.includes("scalora")) packed.push(await makeScalora(log));
for (const { name, path, size, unpackedSize } of packed) {
  const sizes = `${formatDecimalBytes(size)} packed, ${formatDecimalBytes(unpackedSize)} unpacked`;
  console.log(`${name}: ${sizes}, ${relative(packageRoot, path)}`);
}
