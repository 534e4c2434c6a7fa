import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheFolder } from "./locate.ts";

/** Set-up failed. `code` is a ScaloraError's; the message ends with the fix. */
export class SetupError extends Error {
  readonly code = "setup";
  readonly exitCode = 1;
  readonly what: string;
  readonly found: string | undefined;
  readonly fix: string | undefined;

  constructor(what: string, { found, fix, cause }: { found?: string; fix?: string; cause?: unknown } = {}) {
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

/** Whether an error means that a folder cannot be written: no permission, or no space. */
export function isUnwritable(error: unknown): error is Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOSPC", "EDQUOT"].includes(code);
}

/** The error for a cache folder that cannot be written; undefined for any other error. */
export function unwritable(error: unknown, env: NodeJS.ProcessEnv): SetupError | undefined {
  if (!isUnwritable(error)) return undefined;
  return new SetupError(`the cache folder ${cacheFolder(env)} cannot be written`, {
    found: error.message,
    fix: "set XDG_CACHE_HOME to a writable folder on a disk with free space",
    cause: error,
  });
}

/** Full path of a program on the PATH, or undefined. */
export function which(name: string, env = process.env): string | undefined {
  for (const folder of name.includes("/") ? [""] : (env["PATH"] ?? "").split(delimiter)) {
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

type Installable = "compiler" | "python" | "pip";

const managers: Record<string, Record<"install" | Installable, string>> = {
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

/** The command that installs it on this system. */
export function installCommand(what: Installable, env = process.env): string {
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
