import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { addonFile, nativeHash, type PackageManifest, packageNameOf } from "../platform-package.ts";

const contents = { [addonFile]: "an addon", "lib/libtorch_cpu.so": "a library" };

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/**
 * An installed scalora 1.2.3 and beside it a made-up package of a platform, both in `node_modules` of a folder.
 * @param changes of the package's list of files
 * @returns the folder of scalora, and that of the package
 */
export function installTiny(
  folder: string,
  platform: string,
  changes: Partial<PackageManifest> = {},
): { root: string; folder: string } {
  const root = join(folder, "node_modules", "scalora");
  const optionalDependencies = { [packageNameOf(platform)]: "1.2.3", [packageNameOf("plan9-mips")]: "1.2.3" };
  write(join(root, "package.json"), JSON.stringify({ version: "1.2.3", optionalDependencies }));
  write(join(root, "native", "a.cpp"), "int a;");
  const into = join(folder, "node_modules", packageNameOf(platform));
  for (const [path, text] of Object.entries(contents)) write(join(into, path), text);
  const files = Object.entries(contents).map(([path, text]) => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    return [path, { bytes: text.length, sha256 }] as const;
  });
  const manifest: PackageManifest = {
    scalora: "1.2.3",
    platform,
    libtorch: "2.11.0+cpu",
    native: nativeHash(root),
    compiler: "c++ 1",
    needs: {},
    wheels: {},
    files: Object.fromEntries(files),
    ...changes,
  };
  write(join(into, "package.json"), JSON.stringify({ name: packageNameOf(platform), version: "1.2.3" }));
  write(join(into, "manifest.json"), JSON.stringify(manifest));
  return { root, folder: into };
}
