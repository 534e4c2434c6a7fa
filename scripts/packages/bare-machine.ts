// A machine without compiler, Python or pip, in which a package is tried: a root folder with Debian's minimal system and Node,
// entered with chroot in namespaces of its own. Its network is this machine's, so that it reaches a registry here.
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
import { which } from "../../src/setup/run-program.ts";

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

/** @returns undefined where this machine has no means for one: root's rights, unshare and debootstrap */
export function openBareMachine(log: (line: string) => void): BareMachine | undefined {
  if (process.getuid?.() !== 0 || ["unshare", "debootstrap"].some((name) => which(name) === undefined))
    return undefined;
  const root = join(cacheFolder(), "packages", `bare-${debian}`);
  if (!existsSync(root)) makeRoot(root, log);
  installNode(root);
  for (const file of ["/etc/resolv.conf", "/etc/hosts", process.env["NODE_EXTRA_CA_CERTS"] ?? ""])
    if (existsSync(file)) cpSync(file, join(root, file), { dereference: true });
  mkdirSync(join(root, "home"), { recursive: true });
  const home = mkdtempSync(join(root, "home", "user-"));
  spawnSync("chown", ["-R", `${userId}:${userId}`, home]);
  return {
    description: `Debian ${debian} (minimal), Node ${process.version}, an ordinary user`,
    home,
    run: (command, env = {}) => runInside(root, home, command, env),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

function makeRoot(root: string, log: (line: string) => void) {
  log(`making a minimal Debian in ${root} (once)`);
  const temporary = `${root}.${process.pid}.tmp`;
  mkdirSync(dirname(root), { recursive: true });
  const args = ["--variant=minbase", "--include=ca-certificates,libstdc++6", debian, temporary];
  const { status, stdout, stderr } = spawnSync("debootstrap", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`debootstrap ends with ${status}:\n${stdout}${stderr}`);
  renameSync(temporary, root);
}

/** This Node, and the npm that runs this script or is on the PATH. */
function installNode(root: string) {
  const node = join(root, "opt", "node");
  rmSync(node, { recursive: true, force: true });
  mkdirSync(join(node, "bin"), { recursive: true });
  cpSync(process.execPath, join(node, "bin", "node"), { dereference: true });
  chmodSync(join(node, "bin", "node"), 0o755);
  // Its command is a link into its folder.
  const program = which("npm");
  if (program === undefined) throw new Error("npm is not on the PATH");
  const npm = join(node, "lib", "node_modules", "npm");
  cpSync(dirname(dirname(realpathSync(program))), npm, { recursive: true, dereference: true });
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
