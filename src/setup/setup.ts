// Sets everything up: finds or downloads libtorch, compiles the addon, saves where they are.
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { withLock } from "../util/locks/process-lock.ts";
import { compileAddon, findCompiler, tryLoading } from "./compile-addon.ts";
import { SetupError, unwritable } from "./errors.ts";
import { findLibtorch } from "./find-libtorch.ts";
import { downloadLibtorch } from "./install-libtorch.ts";
import { hasNvidiaDriver, manifestPath, readCompiled, readSetup, type Setup } from "./manifest.ts";
import { nothingToLoad } from "./nothing-to-load.ts";
import { cacheFolder } from "./paths.ts";
import { checkPackage, offeredPlatforms } from "./platform-package.ts";
import { Progress } from "./progress.ts";

interface SetupOptions {
  verify?: boolean;
  stream?: NodeJS.WriteStream;
  env?: NodeJS.ProcessEnv;
  packages?: Promise<unknown>;
}

/**
 * What the addon is loaded from: the prebuilt package, or the result of set-up, which runs first if it has not. Takes
 * milliseconds when there is nothing to do; safe in several processes at once and after any interruption.
 * @param options `verify`, for the command that sets up: an existing addon is loaded, and set up again if that fails; a package's
 * files are hashed; and on a machine with an NVIDIA driver libtorch for CUDA is set up although there is a package. Progress goes
 * to `stream` (stderr); `packages` resolves when npm's packages are installed, of which only a part of the set-up needs one
 * @throws SetupError naming what is missing and the command that installs it
 */
export async function ensureSetup({
  verify = false,
  stream = process.stderr,
  env = process.env,
  packages = Promise.resolve(),
}: SetupOptions = {}): Promise<Setup> {
  if (verify) await forgetBroken(env);
  const existing = readSetup({ env });
  if (existing?.package === undefined) {
    if (existing !== undefined) return existing;
  } else if (!verify) return existing;
  else if (!hasNvidiaDriver()) {
    checkPackage(existing.package, { env, isThorough: true });
    return existing;
  }
  const progress = new Progress(stream);
  const lock = join(cacheFolder(env), "setup-lock");
  const onWait = (text: string) => progress.log(text);
  try {
    return await withLock(
      lock,
      "another set-up",
      { onWait },
      async () => readCompiled({ env }) ?? (await setUp(progress, { env, packages })),
    );
  } catch (error) {
    throw unwritable(error, env) ?? (existing === undefined ? withPackages(error, env) : error);
  }
}

/** An error of compiling, where a package would have done: says which there are. */
function withPackages(error: unknown, env: NodeJS.ProcessEnv): unknown {
  const isOwnLibtorch = Boolean(env["SCALORA_LIBTORCH"]);
  if (!(error instanceof SetupError) || isOwnLibtorch || offeredPlatforms().length === 0) return error;
  const { what, found, fix } = nothingToLoad({ env });
  const reason = error.found === undefined ? error.what : `${error.what} (${error.found})`;
  return new SetupError(what, {
    found: `${found}; compiling instead fails: ${reason}`,
    fix: `${fix}. To compile: ${error.fix ?? "see above"}`,
    cause: error,
  });
}

/** Removes an addon that does not load any more: a library was removed, or Node or the system changed. */
async function forgetBroken(env: NodeJS.ProcessEnv) {
  const existing = readCompiled({ env });
  if (existing === undefined) return;
  try {
    await tryLoading(existing.addon, env);
  } catch {
    rmSync(manifestPath({ env }), { force: true });
    rmSync(dirname(existing.addon), { recursive: true, force: true });
  }
}

async function setUp(
  progress: Progress,
  { env, packages }: { env: NodeJS.ProcessEnv; packages: Promise<unknown> },
): Promise<Setup> {
  // A missing compiler is found before the long download.
  await findCompiler(env);
  const libtorch = await provideLibtorch(progress, env);
  const { addon, compiler } = await compileAddon(libtorch, progress, { env, packages });
  const setup = { ...libtorch, addon, compiler: compiler.version, setUpAt: new Date().toISOString() };
  writeAtomically(manifestPath({ env }), `${JSON.stringify(setup, undefined, 2)}\n`);
  progress.log(`done: libtorch ${setup.version} (${setup.libtorch}), addon ${setup.addon}`);
  return setup;
}

async function provideLibtorch(progress: Progress, env: NodeJS.ProcessEnv) {
  const found = (await findLibtorch(env)).at(-1)?.libtorch;
  if (found !== undefined) return found;
  await downloadLibtorch(progress, env);
  const downloaded = (await findLibtorch(env)).at(-1)?.libtorch;
  if (downloaded === undefined) throw new Error("internal: libtorch was downloaded but is not found");
  return downloaded;
}

function writeAtomically(path: string, text: string) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
