import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { memoryLimit } from "./available-memory.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** The limit of a process of 100 bytes on a machine with these files. */
function limit(files: Readonly<Record<string, string>>) {
  const all = { "proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   4 kB\nSwapFree: 1 kB\n", ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(join(folder.path, dirname(name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  return memoryLimit(folder.path, 100);
}
const group = "the control group (container)";

test("without a control group all that is available and swap count, with what the process has", () => {
  expect(limit({})).toEqual({ bytes: 5 * 1024 + 100, of: "the machine" });
  const free = { "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n" };
  expect(limit(free)).toEqual({ bytes: 5 * 1024 + 100, of: "the machine" });
});

test("version 2: the least room of the group and those above it, with what can be reclaimed", () => {
  const files = {
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/memory.max": "1000\n",
    "sys/fs/cgroup/a/memory.current": "900\n",
    "sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 300\n",
    "sys/fs/cgroup/a/b/memory.max": "2000\n",
    "sys/fs/cgroup/a/b/memory.current": "100\n",
  };
  expect(limit(files)).toEqual({ bytes: 100 + 400, of: group });
});

test("version 1: the memory controller among others, its own group at the mount's root in a container", () => {
  const files = {
    "proc/self/cgroup": "5:cpuset:/x\n4:hugetlb,memory:/docker/1\n0::/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "3000\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "2500\n",
    "sys/fs/cgroup/memory/memory.stat": "inactive_file 7\ntotal_inactive_file 200\n",
  };
  expect(limit(files)).toEqual({ bytes: 100 + 700, of: group });
});
