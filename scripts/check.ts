// npm run check: every gate that needs no test run, one line each; a failed one shows what it found.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../src/setup/paths.ts";
import { ensureSetup } from "../src/setup/setup.ts";
import { installDependencies } from "./repository/install-dependencies.ts";
import { log } from "./repository/prepare.ts";

const gates: [name: string, program: string, ...args: string[]][] = [
  ["format and lint", "node_modules/.bin/biome", "ci", "--colors=off", "--error-on-warnings", "."],
  ["types", "node_modules/.bin/tsc", "-b", "tsconfig.tests.json"],
  ["types of the programs in the docs", process.execPath, "scripts/gates/docs-programs.ts"],
  ["imports follow docs/architecture.md", process.execPath, "scripts/gates/imports.ts"],
  ["rooms are small", process.execPath, "scripts/gates/room-sizes.ts"],
  ["operator declarations are fresh", process.execPath, "scripts/generate-operators.ts", "--check"],
  ["docs/support.md is fresh", process.execPath, "scripts/support-table.ts", "--check"],
  ["docs/methods are fresh", process.execPath, "--import", "tsx", "scripts/method-tables.ts", "--check"],
  ["docs/performance.md is fresh", process.execPath, "scripts/bench-table.ts", "--check"],
  ["docs/run-folder.md is fresh", process.execPath, "scripts/run-folder-tables.ts", "--check"],
  ["public names have documentation", "node_modules/.bin/typedoc", "--emit", "none", "--logLevel", "Warn"],
  ["nothing unused", "node_modules/.bin/knip", "--no-progress"],
  ["versions are pinned", process.execPath, "scripts/gates/pinned-versions.ts"],
  ["packages: hashes, licences, no install scripts", process.execPath, "scripts/gates/supply-chain.ts"],
  ["no type assertions", process.execPath, "scripts/gates/type-assertions.ts"],
  ["files are short", process.execPath, "scripts/gates/lines.ts"],
];

await installDependencies(log);
await ensureSetup();
let failed = 0;
for (const [name, program, ...args] of gates) {
  const started = performance.now();
  const options = { cwd: packageRoot, encoding: "utf8" as const, maxBuffer: 1 << 28 };
  const { status, stdout, stderr, error } = spawnSync(
    program.startsWith("/") ? program : join(packageRoot, program),
    args,
    options,
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (status === 0) continue;
  failed += 1;
  console.log(`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trimEnd());
}
console.log(`${gates.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
