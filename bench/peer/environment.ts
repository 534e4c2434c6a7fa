// The peer's Python: torch, transformers and PEFT of pinned versions.
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "../../src/setup/errors.ts";
import { cacheFolder } from "../../src/setup/paths.ts";
import { lastLines, run, which } from "../../src/setup/run-program.ts";

const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

/** Pinned packages, `name==version`. */
const pinned = readFileSync(requirements, "utf8").trim().split("\n");
const names = pinned.join(", ").replaceAll("==", " ");

/**
 * A Python that has the packages: the given one, or that of an environment in scalora's cache, which is made when it is not
 * there.
 * @throws SetupError where there is none, and it cannot be made
 */
export async function peerPython(given: string | undefined): Promise<string> {
  if (given !== undefined) {
    const missing = await missingPackages(given);
    if (missing.length === 0) return given;
    throw new SetupError(`the Python of --python lacks ${missing.join(", ")}`, {
      found: given,
      fix: `${given} -m pip install ${pinned.join(" ")}, or leave --python out: an environment is made then`,
    });
  }
  const folder = join(cacheFolder(), "peer", pinned.join("-").replaceAll("==", "-"));
  const python = join(folder, "bin", "python");
  if ((await missingPackages(python)).length === 0) return python;
  await makeEnvironment(folder, python);
  return python;
}

/** The pinned packages that a Python does not have in their version; all of them where it does not start. */
async function missingPackages(python: string): Promise<string[]> {
  const program = `
import sys
from importlib.metadata import PackageNotFoundError, version
for requirement in sys.argv[1:]:
    name, wanted = requirement.split("==")
    try:
        found = version(name).split("+")[0]
    except PackageNotFoundError:
        found = None
    if found != wanted:
        print(requirement)`;
  const { code, stdout } = await run(python, ["-c", program, ...pinned]);
  return code === 0 ? stdout.split("\n").filter((line) => line !== "") : pinned;
}

async function makeEnvironment(folder: string, python: string): Promise<void> {
  const system = which("python3");
  const otherwise = `or give a Python that has ${names} with --python`;
  if (system === undefined)
    throw new SetupError("the comparison needs Python, and there is no python3 on the PATH", {
      fix: `install Python 3.10 or newer, ${otherwise}`,
    });
  console.error(`making an environment with ${names} in ${folder}; some 3 GB where torch comes with CUDA`);
  mkdirSync(dirname(folder), { recursive: true });
  const venv = await run(system, ["-m", "venv", folder]);
  if (venv.code !== 0)
    throw new SetupError("no environment can be made for Python (python3 -m venv)", {
      found: lastLines(venv.stdout + venv.stderr, 4),
      fix: `install Python's venv module (python3-venv on Debian and Ubuntu), ${otherwise}`,
    });
  const pip = await run(python, ["-m", "pip", "install", "--quiet", "-r", requirements]);
  if (pip.code !== 0)
    throw new SetupError(`pip could not install ${names}`, {
      found: lastLines(pip.stderr || pip.stdout, 6),
      fix: `run the command again where pip reaches its package index, ${otherwise}`,
    });
}
