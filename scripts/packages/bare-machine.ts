// A machine without compiler, Python or pip, in which a package is tried: a root folder with Debian's minimal system and Node,
// entered with chroot in namespaces of its own. Its network is this machine's, so that it reaches a registry here. Its processor
// may be of another kind, which qemu emulates program by program.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "../../src/setup/paths.ts";
import { thisPlatform } from "../../src/setup/platform-package.ts";
import { which } from "../../src/setup/run-program.ts";
import { runNpm } from "./pack.ts";

/** What must not be there. */
export const tools = [
  "gcc",
  "g++",
  "cc",
  "c++",
  "clang",
  "clang++",
  "make",
  "cmake",
  "python",
  "python3",
  "pip",
  "pip3",
];

export interface Outcome {
  status: number;
  stdout: string;
  /** Both streams. */
  output: string;
  seconds: number;
}

export interface BareMachine {
  /** In words. */
  description: string;
  isEmulated: boolean;
  /** The user's home, seen from here. */
  home: string;
  /** Runs a command line of `sh` in the home. */
  run(command: string, env?: Record<string, string>): Outcome;
  remove(): void;
}

const debian = "bookworm";
/** Inside; what is installed comes before the system's. */
const path = "/opt/node/bin:/usr/bin:/bin";
const userId = 1000;

interface Processor {
  /** As Debian names it. */
  name: string;
  /** What runs its programs on other machines. */
  emulator?: {
    /** By which Linux knows it. */
    name: string;
    /** The processor that it is then, as many machines have one. */
    model: string;
  };
}

const processors: Readonly<Record<string, Processor>> = {
  "linux-x64": { name: "amd64" },
  "linux-arm64": { name: "arm64", emulator: { name: "qemu-aarch64", model: "neoverse-n1" } },
};

/**
 * Opens a machine of the platform, which is made when it is not there.
 * @returns what is missing here for that
 */
export async function openBareMachine(
  platform: string,
  log: (line: string) => void,
): Promise<BareMachine | string> {
  const isEmulated = platform !== thisPlatform;
  const { name, emulator } = processors[platform] ?? {};
  const emulation = isEmulated ? emulator : undefined;
  if (name === undefined || (isEmulated && emulation === undefined))
    return `a platform that it has or emulates (${Object.keys(processors).join(", ")})`;
  const programs = ["unshare", "debootstrap"];
  if (process.getuid?.() !== 0 || programs.some((program) => which(program) === undefined))
    return "Linux, root's rights, unshare and debootstrap (apt-get install debootstrap)";
  if (emulation && !existsSync(join("/proc/sys/fs/binfmt_misc", emulation.name)))
    return `${emulation.name} in /proc/sys/fs/binfmt_misc (apt-get install qemu-user-static, which registers it where systemd or binfmt-support runs)`;
  const root = join(cacheFolder(), "packages", `bare-${debian}-${name}`);
  if (!existsSync(root)) makeRoot(root, name, log);
  installNode(root, isEmulated ? await fetchNode(platform) : process.execPath);
  for (const file of ["/etc/resolv.conf", "/etc/hosts", process.env["NODE_EXTRA_CA_CERTS"] ?? ""])
    if (existsSync(file)) cpSync(file, join(root, file), { dereference: true });
  mkdirSync(join(root, "home"), { recursive: true });
  const home = mkdtempSync(join(root, "home", "user-"));
  spawnSync("chown", ["-R", `${userId}:${userId}`, home]);
  const common = emulation ? { QEMU_CPU: emulation.model, OMP_NUM_THREADS: "1" } : {};
  return {
    description: `Debian ${debian} (minimal) for ${name}${isEmulated ? " under qemu" : ""}, Node ${process.version}, an ordinary user`,
    isEmulated,
    home,
    run: (command, env = {}) => runInside(root, home, command, { ...common, ...env }),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

function makeRoot(root: string, processor: string, log: (line: string) => void) {
  log(`making a minimal Debian for ${processor} in ${root} (once)`);
  const temporary = `${root}.${process.pid}.tmp`;
  mkdirSync(dirname(root), { recursive: true });
  const options = [`--arch=${processor}`, "--variant=minbase", "--include=ca-certificates,libstdc++6"];
  try {
    runProgram("debootstrap", [...options, debian, temporary]);
    renameSync(temporary, root);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function runProgram(program: string, args: readonly string[]) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0)
    throw new Error(`${program} ends with ${status}:\n${stdout}${stderr}${error?.message ?? ""}`);
}

/** This version of Node for another processor, of which npm has packages. @returns the program */
async function fetchNode(platform: string): Promise<string> {
  const name = `node-${platform}`;
  const folder = join(cacheFolder(), "packages", `${name}-${process.version}`);
  if (!existsSync(folder)) {
    const temporary = `${folder}.${process.pid}.tmp`;
    mkdirSync(temporary, { recursive: true });
    try {
      const file = (await runNpm(["pack", `${name}@${process.version.slice(1)}`], temporary)).trim();
      runProgram("tar", ["-xzf", join(temporary, file), "-C", temporary]);
      rmSync(join(temporary, file));
      renameSync(temporary, folder);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
  return join(folder, "package", "bin", "node");
}

/** That Node, and the npm that runs this script or is on the PATH. */
function installNode(root: string, program: string) {
  const node = join(root, "opt", "node");
  rmSync(node, { recursive: true, force: true });
  mkdirSync(join(node, "bin"), { recursive: true });
  cpSync(program, join(node, "bin", "node"), { dereference: true });
  chmodSync(join(node, "bin", "node"), 0o755);
  // Its command is a link into its folder.
  const found = which("npm");
  if (found === undefined) throw new Error("npm is not on the PATH");
  const npm = join(node, "lib", "node_modules", "npm");
  cpSync(dirname(dirname(realpathSync(found))), npm, { recursive: true, dereference: true });
  for (const name of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(node, "bin", name));
}

const mounts =
  'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && exec chroot --userspec="$2" "$1" /bin/sh -c "$3"';

function runInside(root: string, home: string, command: string, env: Record<string, string>): Outcome {
  const inside = home.slice(root.length);
  const certificates = process.env["NODE_EXTRA_CA_CERTS"];
  const variables = {
    PATH: path,
    HOME: inside,
    LANG: "C.UTF-8",
    ...(certificates !== undefined && { NODE_EXTRA_CA_CERTS: certificates }),
    ...env,
  };
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync(
    "unshare",
    [
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "sh",
      "-c",
      mounts,
      "sh",
      root,
      `${userId}:${userId}`,
      `cd ${inside} && { ${command}\n}`,
    ],
    { env: { ...variables, PATH: `${path}:/usr/sbin:/sbin` }, encoding: "utf8", maxBuffer: 1 << 28 },
  );
  const output = `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`;
  return {
    status: status ?? 128,
    stdout: stdout ?? "",
    output,
    seconds: (performance.now() - started) / 1000,
  };
}
