import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder } from "./locate.mjs";

/** Set-up could not go on. `code` is the one of ScaloraError; the message ends with what to do. */
export class SetupError extends Error {
  code = "setup";
  exitCode = 1;

  /**
   * @param {string} what
   * @param {{ found?: string, fix?: string, cause?: unknown }} details
   */
  constructor(what, { found, fix, cause } = {}) {
    const lines = [what];
    if (found !== undefined) lines.push(`  found: ${found}`);
    if (fix !== undefined) lines.push(`  fix:   ${fix}`);
    super(lines.join("\n"), cause === undefined ? undefined : { cause });
    this.name = "SetupError";
    this.what = what;
    this.found = found;
    this.fix = fix;
  }
}

/** Whether a folder could not be written: no permission, or no room. @param {unknown} error */
export function isUnwritable(error) {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOSPC", "EDQUOT"].includes(code);
}

/** The clear error for a cache folder that cannot be written, or undefined for any other error. @param {unknown} error @param {NodeJS.ProcessEnv} env */
export function unwritable(error, env) {
  if (!isUnwritable(error)) return undefined;
  return new SetupError(`the cache folder ${cacheFolder(env)} cannot be written`, {
    found: error instanceof Error ? error.message : undefined,
    fix: "set XDG_CACHE_HOME to a folder that you can write to, on a disk with room",
    cause: error,
  });
}

/** Full path of a program on the PATH, or undefined. @param {string} name */
export function which(name, env = process.env) {
  for (const folder of name.includes("/") ? [""] : (env.PATH ?? "").split(delimiter)) {
    const path = folder === "" ? name : join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** @type {Record<string, { install: string, compiler: string, python: string, pip: string }>} */
const managers = {
  "apt-get": {
    install: "sudo apt-get install -y",
    compiler: "g++",
    python: "python3 python3-pip",
    pip: "python3-pip",
  },
  dnf: {
    install: "sudo dnf install -y",
    compiler: "gcc-c++",
    python: "python3 python3-pip",
    pip: "python3-pip",
  },
  zypper: {
    install: "sudo zypper install -y",
    compiler: "gcc-c++",
    python: "python3 python3-pip",
    pip: "python3-pip",
  },
  pacman: {
    install: "sudo pacman -S --noconfirm",
    compiler: "gcc",
    python: "python python-pip",
    pip: "python-pip",
  },
  brew: { install: "brew install", compiler: "llvm", python: "python3", pip: "python3" },
};

/** The command that installs something here. @param {"compiler" | "python" | "pip"} what */
export function installCommand(what, env = process.env) {
  if (what === "compiler" && process.platform === "darwin") return "xcode-select --install";
  const name = Object.keys(managers).find((manager) => which(manager, env) !== undefined);
  const manager = name === undefined ? undefined : managers[name];
  if (manager !== undefined) return `${manager.install} ${manager[what]}`;
  const generic = {
    compiler: "a C++20 compiler (g++ or clang++)",
    python: "Python 3 with pip",
    pip: "pip for Python 3",
  };
  return `install ${generic[what]} with your system's package manager`;
}
