// Makes the package `scalora` itself: what npm would pack of the repository, with the platforms' packages as optional dependencies.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { packageNameOf } from "../../src/setup/platform-package.ts";
import { buildDist } from "../repository/build.ts";
import { npmPack, ownPackage, type Packed, pack, packagesFolder } from "./pack.ts";
import { platforms } from "./platforms.ts";

/** Makes it in `packages/scalora`, and its tarball beside it; it asks for those platforms whose tarballs are there. */
export async function makeScalora(log: (line: string) => void): Promise<Packed> {
  await buildDist(log);
  const folder = join(packagesFolder, "scalora");
  rmSync(folder, { recursive: true, force: true });
  const { files } = await npmPack(["--dry-run"], packageRoot);
  for (const { path } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(join(packageRoot, path), join(folder, path));
  }
  const { version } = ownPackage();
  const made = platforms.filter(({ name }) =>
    existsSync(join(packagesFolder, `scalora-${name}-${version}.tgz`)),
  );
  const {
    devDependencies: _tools,
    scripts: _scripts,
    ...description
  }: Record<string, unknown> = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  const optionalDependencies = Object.fromEntries(made.map(({ name }) => [packageNameOf(name), version]));
  writeFileSync(
    join(folder, "package.json"),
    `${JSON.stringify({ ...description, optionalDependencies }, null, 2)}\n`,
  );
  return pack(folder);
}
