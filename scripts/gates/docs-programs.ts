// Checks the types of every TypeScript program in README.md and docs, against what the package exports (dist, which must be
// fresh). Each is written to a file of its own, on the lines that it has in its page, so that errors name those.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { filesUnder } from "../repository/build.ts";

const folder = join(packageRoot, ".local", "docs-programs");
const config = {
  extends: "../../tsconfig.json",
  // An example may name what it does not use.
  compilerOptions: { noUnusedLocals: false },
  include: ["."],
  exclude: [],
  references: [{ path: "../../tsconfig.build.json" }],
};

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
let count = 0;
for (const page of ["README.md", ...filesUnder("docs").filter((path) => path.endsWith(".md"))]) {
  const text = readFileSync(join(packageRoot, page), "utf8");
  for (const { index, 1: code = "" } of text.matchAll(/^```ts\n(.*?)^```/gms)) {
    const linesBefore = text.slice(0, index).split("\n").length;
    const name = `${page.replaceAll("/", "-")}.${linesBefore}.mts`;
    writeFileSync(join(folder, name), "\n".repeat(linesBefore) + code);
    count += 1;
  }
}
const tsc = join(packageRoot, "node_modules", ".bin", "tsc");
const { status } = spawnSync(tsc, ["-p", folder], { cwd: packageRoot, stdio: "inherit" });
if (count === 0) console.log("no page has a program");
process.exitCode = status === 0 && count > 0 ? 0 : 1;
