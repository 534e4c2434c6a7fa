// Checks the types of every TypeScript program in the pages, and in the documentation of public names, against what the package
// exports (dist, which must be fresh). Each is written to a file of its own, on the lines that it has in its page, so that errors
// name those. test/docs-programs.test.ts runs them.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { programBlocks } from "../repository/program-blocks.ts";

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
const programs = programBlocks().filter(({ language }) => language === "ts");
for (const { page, line, code } of programs)
  writeFileSync(join(folder, `${page.replaceAll("/", "-")}.${line}.mts`), "\n".repeat(line) + code);
const tsc = join(packageRoot, "node_modules", ".bin", "tsc");
const { status } = spawnSync(tsc, ["-p", folder], { cwd: packageRoot, stdio: "inherit" });
if (programs.length === 0) console.log("no page has a program");
process.exitCode = status === 0 && programs.length > 0 ? 0 : 1;
