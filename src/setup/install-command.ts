import { which } from "./run-program.ts";

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
