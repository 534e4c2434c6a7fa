import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A control group with a limit of memory, below that of this process, as a container has one. */
export interface MemoryGroup extends Disposable {
  /** Its folder. */
  readonly path: string;
  /** Runs a command in it, to its end. */
  run(command: readonly string[]): { code: number | null; signal: NodeJS.Signals | null; output: string };
}

const versions = [
  {
    line: /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m,
    mount: "/sys/fs/cgroup/memory",
    limit: "memory.limit_in_bytes",
  },
  { line: /^0::(.*)$/m, mount: "/sys/fs/cgroup", limit: "memory.max" },
];

/** Makes a group (cgroup v1 or v2). @param name unique on this machine @returns undefined where this process may not, or there are none */
export function makeMemoryGroup(bytes: number, name = `${process.pid}`): MemoryGroup | undefined {
  for (const { line, mount, limit } of versions) {
    try {
      const own = line.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
      const parent = [own ?? "", "/"].map((path) => join(mount, path)).find(existsSync);
      if (own === undefined || parent === undefined) continue;
      const path = join(parent, `scalora-test-${name}`);
      mkdirSync(path);
      const group = groupAt(path);
      try {
        writeFileSync(join(path, limit), String(bytes), { flag: "r+" });
        return group;
      } catch {
        group[Symbol.dispose]();
      }
    } catch {
      // The next version, if any.
    }
  }
  return undefined;
}

function groupAt(path: string): MemoryGroup {
  return {
    path,
    run: ([program = "", ...rest]) => {
      const enter = `echo $$ > ${path}/cgroup.procs && exec "$0" "$@"`;
      const result = spawnSync("sh", ["-c", enter, program, ...rest], { encoding: "utf8" });
      return { code: result.status, signal: result.signal, output: result.stdout + result.stderr };
    },
    [Symbol.dispose]: () => rmdirSync(path),
  };
}
