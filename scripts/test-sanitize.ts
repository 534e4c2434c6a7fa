// npm run test:sanitize [-- FILE…]: compiles the addon with AddressSanitizer and UndefinedBehaviorSanitizer, and runs with it the
// tests that use native code most (or the given ones), and damaged weight files. Needs g++ with its sanitizers' libraries.
//
// libtorch itself is not compiled anew: its own code is not checked, but memory that it takes from malloc is, when ours touches
// it. Leaks are not looked for: Node frees little of what it has when it ends; test/leaks.test.ts counts tensors instead.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, packageRoot } from "../src/setup/paths.ts";
import { ensureSetup } from "../src/setup/setup.ts";
import { installDependencies } from "./repository/install-dependencies.ts";
import { log } from "./repository/prepare.ts";

const nativeTests = ["src/torch", "src/safetensors", "src/nn", "src/gguf", "src/optim", "test/leaks.test.ts"];

/** Readers whose numbers go through mapped files. */
const fuzzTargets = ["safetensors", "gguf", "gguf-model", "adapter-weights", "model-config"];

/** The compiler, called with the sanitizers; the libraries that are loaded first for Node would slow it down. */
const compilerScript = `#!/bin/sh
unset LD_PRELOAD
exec g++ "$@" -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined
`;

await installDependencies(log);
const { libtorch } = await ensureSetup();
const cache = join(cacheFolder(), "sanitize");
const compiler = join(cache, "g++");
mkdirSync(cache, { recursive: true });
writeFileSync(compiler, compilerScript);
chmodSync(compiler, 0o755);
const env = {
  ...process.env,
  XDG_CACHE_HOME: cache,
  SCALORA_LIBTORCH: libtorch,
  CXX: compiler,
  LD_PRELOAD: ["libasan.so", "libubsan.so", "libstdc++.so"].map(libraryPath).join(":"),
  ASAN_OPTIONS: "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1:detect_odr_violation=0",
  UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
};

const files = process.argv.slice(2);
run(["src/setup/main.ts"]);
run(["node_modules/vitest/vitest.mjs", "run", ...(files.length > 0 ? files : nativeTests)]);
if (files.length === 0) {
  const targets = fuzzTargets.flatMap((name) => ["--target", name]);
  run(["--import", "tsx", "test/fuzz/fuzz-main.ts", "--inputs", "2000", "--seconds", "120", ...targets]);
}

/** Node does not have the sanitizers in it, so they are loaded before it. */
function libraryPath(name: string): string {
  const { stdout } = spawnSync("g++", [`-print-file-name=${name}`], { encoding: "utf8" });
  if (stdout.startsWith("/")) return stdout.trim();
  console.error(`g++ has no ${name}: install its libraries (libasan, libubsan)`);
  process.exit(1);
}

/** Runs Node under the sanitizers; a failure ends this program as it ended. */
function run(args: string[]): void {
  const { status } = spawnSync(process.execPath, args, { cwd: packageRoot, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
