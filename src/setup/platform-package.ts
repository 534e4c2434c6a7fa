// The prebuilt package of this platform, `@scalora/linux-x64` for example: the addon with its libtorch, which npm installs beside
// scalora. Finding it takes milliseconds and writes nothing; its files are hashed before they are loaded the first time.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { messageOf } from "../util/errors.ts";
import { hashFile } from "../util/files.ts";
import { isRecord } from "../util/json.ts";
import { SetupError } from "./errors.ts";
import { nativeFiles } from "./native-files.ts";
import { compareVersions } from "./node-version.ts";
import { cacheFolder, packageRoot } from "./paths.ts";
import { glibcVersion } from "./process-report.ts";

/** What a package's `manifest.json` says. */
export interface PackageManifest {
  /** The version of scalora that the addon belongs to. */
  scalora: string;
  /** `linux-x64` and so on. */
  platform: string;
  /** Version of libtorch. */
  libtorch: string;
  /** Hash of the addon's sources. */
  native: string;
  /** First line of the compiler's `--version`. */
  compiler: string;
  /** The oldest glibc with which all libraries load; absent elsewhere than on Linux. */
  glibc?: string;
  /** The newest version of each set of symbols that the libraries need, GLIBCXX for example. */
  needs: Record<string, string>;
  /** The wheels that the libraries come from, with their SHA-256. */
  wheels: Record<string, string>;
  /** Every file that is loaded. */
  files: Record<string, { bytes: number; sha256: string }>;
}

/** A package that is installed. */
export interface PlatformPackage {
  name: string;
  folder: string;
  manifest: PackageManifest;
}

/** Its addon, within the package. */
export const addonFile = "lib/scalora.node";

/** This machine's, as packages are named. */
export const thisPlatform = `${process.platform}-${process.arch}`;

export const packageNameOf = (platform: string): string => `@scalora/${platform}`;

/** A hash of the addon's sources. */
export function nativeHash(root: string): string {
  const hash = createHash("sha256");
  for (const file of nativeFiles(root)) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 20);
}

/** The packages that this scalora asks npm for, by their platforms; none in a clone. */
export function offeredPlatforms(root: string = packageRoot): string[] {
  const { optionalDependencies } = ownDescription(root);
  if (!isRecord(optionalDependencies)) return [];
  const prefix = packageNameOf("");
  return Object.keys(optionalDependencies)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
}

/** The version of this scalora. */
export const ownVersion = (root: string = packageRoot): string => String(ownDescription(root)["version"]);

function ownDescription(root: string): Readonly<Record<string, unknown>> {
  const description: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return isRecord(description) ? description : {};
}

/**
 * The package of a platform, where it is installed and made from the same sources as this scalora.
 * @throws SetupError when it is one for another version, or its list of files is damaged
 */
export function findPlatformPackage(
  root: string = packageRoot,
  platform: string = thisPlatform,
): PlatformPackage | undefined {
  const name = packageNameOf(platform);
  const folder = folderOf(name, root);
  if (folder === undefined) return undefined;
  const manifest = readManifest(name, folder);
  const version = ownVersion(root);
  const isSame = manifest.scalora === version;
  if (isSame && manifest.native === nativeHash(root)) return { name, folder, manifest };
  // A clone compiles its own sources, which may be newer.
  if (isSame && existsSync(join(root, "scripts"))) return undefined;
  throw new SetupError(`${name} is made for another ${isSame ? "build" : "version"} of scalora`, {
    found: isSame
      ? `${folder}, made from other C++ sources than those of ${root}, though both are version ${version}`
      : `version ${manifest.scalora} in ${folder}; scalora is ${version}`,
    fix: isSame
      ? "install both as they were made together: remove node_modules and npm's lock file, and install again"
      : `npm install scalora@${version} ${name}@${version}, or remove node_modules and npm's lock file and install again`,
  });
}

function folderOf(name: string, root: string): string | undefined {
  try {
    const description = createRequire(join(root, "package.json")).resolve(`${name}/package.json`);
    // What was resolved once is resolved again, even when it is gone.
    return existsSync(description) ? dirname(description) : undefined;
  } catch {
    return undefined;
  }
}

function readManifest(name: string, folder: string): PackageManifest {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    if (!isManifest(manifest)) throw new Error("a field is missing or of another kind than scalora writes");
    if (manifest.files[addonFile] === undefined) throw new Error(`it does not list ${addonFile}`);
    return manifest;
  } catch (cause) {
    throw damaged(name, folder, `manifest.json: ${messageOf(cause)}`);
  }
}

/** Whether what is used of it is there. */
function isManifest(value: unknown): value is PackageManifest {
  if (!isRecord(value) || !isRecord(value["files"])) return false;
  const texts = ["scalora", "platform", "libtorch", "native", "compiler"];
  const isFile = (file: unknown) =>
    isRecord(file) && typeof file["bytes"] === "number" && typeof file["sha256"] === "string";
  return (
    texts.every((key) => typeof value[key] === "string") &&
    ["undefined", "string"].includes(typeof value["glibc"]) &&
    Object.values(value["files"]).every(isFile)
  );
}

function damaged(name: string, folder: string, found: string): SetupError {
  return new SetupError(`${name} is damaged`, {
    found: `${found} (${folder})`,
    fix: `remove that folder and run npm install again; if it repeats, remove what npm has cached of it (npm cache clean --force)`,
  });
}

/**
 * Checks that a package can be loaded here: the C library is new enough, and its files are those that were packed. Their hashes
 * are computed once (a second); the cache then remembers the files' sizes and times. Where the cache cannot be written, that is
 * done at every start.
 * @param isThorough computes the hashes whatever the cache remembers
 * @throws SetupError for a system that is too old, and for a file that is missing or another
 */
export function checkPackage(
  { name, folder, manifest }: PlatformPackage,
  { env = process.env, isThorough = false }: { env?: NodeJS.ProcessEnv; isThorough?: boolean } = {},
): void {
  checkGlibc(name, manifest.glibc);
  const files = Object.entries(manifest.files).map(([path, { bytes, sha256 }]) => {
    const stat = statSync(join(folder, path), { throwIfNoEntry: false });
    if (stat === undefined) throw damaged(name, folder, `${path} is missing`);
    if (stat.size !== bytes)
      throw damaged(name, folder, `${path} has ${stat.size} bytes instead of ${bytes}`);
    return { path, sha256, mtimeMs: stat.mtimeMs };
  });
  const key = createHash("sha256")
    .update(JSON.stringify([folder, files]))
    .digest("hex")
    .slice(0, 20);
  const note = join(cacheFolder(env), "state", `checked-${key}`);
  if (!isThorough && existsSync(note)) return;
  for (const { path, sha256 } of files) {
    const found = hashFile(join(folder, path));
    if (found !== sha256)
      throw damaged(name, folder, `${path} has the SHA-256 ${found} instead of ${sha256}`);
  }
  try {
    mkdirSync(dirname(note), { recursive: true });
    writeFileSync(note, "");
  } catch {
    // Checked again at the next start.
  }
}

/** @param needed the oldest that will do; undefined where none is needed */
export function checkGlibc(name: string, needed: string | undefined, found = glibcVersion()): void {
  if (needed === undefined || found === undefined || compareVersions(found, needed) >= 0) return;
  throw new SetupError(`${name} needs glibc ${needed} or newer`, {
    found: `glibc ${found}`,
    fix: "use a newer distribution (Debian 10, Ubuntu 20.04, RHEL 8 and all that came later have it), or set SCALORA_LIBTORCH to a libtorch built for this one and run `npx scalora setup`, which compiles the addon",
  });
}
