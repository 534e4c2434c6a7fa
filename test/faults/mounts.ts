// Disks for the server's processes alone: it runs in a mount namespace of its own, with which its mounts end, also when a test is
// killed.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";

/** A command line that runs in a mount namespace of its own. */
export const apart = (command: string, args: readonly string[]) =>
  canMount() ? (["unshare", ["--mount", command, ...args]] as const) : ([command, args] as const);

/** Why this process may not mount file systems, not even in a namespace of its own; undefined where it may. */
export function whyNoMounts(): string | undefined {
  if (process.platform !== "linux") return "namespaces of mounts are Linux's";
  if (process.getuid?.() !== 0) return "mounting takes root";
  const { status, stderr, error } = spawnSync(
    "unshare",
    ["--mount", "mount", "-t", "tmpfs", "none", "/tmp"],
    {
      encoding: "utf8",
    },
  );
  return status === 0 ? undefined : `mounting fails: ${error?.message ?? stderr}`;
}

const canMount = () => whyNoMounts() === undefined;

/** A file system in memory, mounted in the namespace of a process. */
export class MountedDisk implements Disposable {
  readonly path: string;
  private readonly pid: number;

  constructor(pid: number, path: string, bytes: number) {
    this.pid = pid;
    this.path = path;
    mkdirSync(path, { recursive: true });
    this.mount(`size=${bytes}`);
  }

  /** Changes its options: `remount,ro`. */
  remount(options: string): void {
    this.mount(`remount,${options}`);
  }

  private mount(options: string): void {
    const { status, stderr } = this.enter("mount", "-t", "tmpfs", "-o", options, "none", this.path);
    if (status !== 0) throw new Error(`mount: ${stderr}`);
  }

  private enter(...command: string[]) {
    return spawnSync("nsenter", [`--mount=/proc/${this.pid}/ns/mnt`, ...command], { encoding: "utf8" });
  }

  [Symbol.dispose](): void {
    this.enter("umount", "--lazy", this.path);
    rmdirSync(this.path);
  }
}
