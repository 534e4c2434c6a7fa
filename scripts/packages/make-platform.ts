// Makes the package of one platform: the addon, the libraries that it needs and the notices of their authors.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { torchVersion } from "../../src/setup/manifest.ts";
import { compareVersions } from "../../src/setup/node-version.ts";
import { packageRoot } from "../../src/setup/paths.ts";
import { nativeHash, type PackageManifest, packageNameOf } from "../../src/setup/platform-package.ts";
import { hashFile } from "../../src/util/files.ts";
import { provideWheels } from "./fetch-wheels.ts";
import { writeNotices } from "./notices.ts";
import { ownPackage, type Packed, pack, packagesFolder } from "./pack.ts";
import type { Platform } from "./platform.ts";
import type { Needs } from "./toolchain.ts";

/** Makes the package of a platform in `packages/PLATFORM`, and its tarball beside it. */
export async function makePlatform(platform: Platform, log: (line: string) => void): Promise<Packed> {
  const wheels = await provideWheels(platform, log);
  const folder = join(packagesFolder, platform.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "lib"), { recursive: true });
  const addon = join(folder, "lib", "scalora.node");
  const compiler = await platform.toolchain.compile({ libtorch: join(wheels, "torch"), output: addon, log });
  const versions = await copyLibraries(addon, wheels, platform);
  writeNotices(platform, wheels, folder);
  writePackage(platform, folder);
  const manifest = describe(platform, { folder, compiler, versions, wheels });
  writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return pack(folder);
}

/** Copies the libraries that the addon needs, and those that these need. @returns what all of them need of the system's */
async function copyLibraries(addon: string, wheels: string, { name, libraries, toolchain }: Platform) {
  const own = (await toolchain.inspect(addon)).versions;
  const versions = new Map<string, string>();
  const queue = [addon];
  const seen = new Set<string>();
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const needs = await toolchain.inspect(file);
    for (const [set, version] of file === addon ? [] : needs.versions)
      if (compareVersions(version, versions.get(set) ?? "0") > 0) versions.set(set, version);
    for (const library of needs.libraries) {
      if (seen.has(library) || toolchain.isOfSystem(library)) continue;
      seen.add(library);
      const source = libraries
        .map((folder) => resolve(wheels, folder, library))
        .find((path) => existsSync(path));
      if (source === undefined)
        throw new Error(`${name}: ${basename(file)} needs ${library}, which no wheel and no system has`);
      const copy = join(addon, "..", library);
      copyFileSync(source, copy);
      queue.push(copy);
    }
  }
  refuseNewer(own, versions, name);
  return versions;
}

/** A system that has what libtorch needs must have what the addon needs. */
function refuseNewer(own: Needs["versions"], versions: Needs["versions"], name: string) {
  for (const set of ["GLIBC", "GLIBCXX", "CXXABI"]) {
    const [needed, given] = [own.get(set) ?? "0", versions.get(set) ?? "0"];
    if (compareVersions(needed, given) > 0)
      throw new Error(
        `${name}: the addon needs ${set}_${needed}, libtorch only ${set}_${given}: compile it on an older system (Debian 12), or add the symbol to old-libraries/older-symbols.h`,
      );
  }
}

function writePackage({ name, fields }: Platform, folder: string) {
  const { version, author, repository, engines } = ownPackage();
  const description = `The compiled part of scalora for ${name}, with the libtorch that it computes with. scalora installs it.`;
  const content = {
    name: packageNameOf(name),
    version,
    description,
    author,
    ...(repository !== undefined && { repository }),
    license: "SEE LICENSE IN THIRD-PARTY-NOTICES.md",
    engines,
    ...fields,
    // Native libraries find each other as files only.
    preferUnplugged: true,
    files: ["lib", "licenses", "manifest.json", "THIRD-PARTY-NOTICES.md"],
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(content, null, 2)}\n`);
  writeFileSync(join(folder, "README.md"), `# ${content.name}\n\n${description}\n`);
  copyFileSync(join(packageRoot, "LICENSE"), join(folder, "LICENSE"));
}

interface Made {
  folder: string;
  compiler: string;
  versions: ReadonlyMap<string, string>;
  wheels: string;
}

function describe(
  { name, wheels }: Platform,
  { folder, compiler, versions, wheels: from }: Made,
): PackageManifest {
  const text = readFileSync(join(from, "torch", "version.py"), "utf8");
  const libtorch = /^__version__\s*=\s*['"]([^'"]+)['"]/m.exec(text)?.[1] ?? torchVersion;
  const glibc = versions.get("GLIBC");
  const files = readdirSync(join(folder, "lib"))
    .sort()
    .map((name) => {
      const path = `lib/${name}`;
      const { size } = statSync(join(folder, path));
      return [path, { bytes: size, sha256: hashFile(join(folder, path)) }] as const;
    });
  return {
    scalora: ownPackage().version,
    platform: name,
    libtorch,
    native: nativeHash(packageRoot),
    compiler,
    ...(glibc !== undefined && { glibc }),
    needs: Object.fromEntries([...versions].sort()),
    wheels: Object.fromEntries(wheels.map(({ file, hash }) => [file, hash])),
    files: Object.fromEntries(files),
  };
}
