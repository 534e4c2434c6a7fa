import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { gpuLimit, type MemoryPlace, memoryLimit } from "./available-memory.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** The limit of a process of 100 bytes on a machine with these files. */
function limit(files: Readonly<Record<string, string>>, options: { ranks?: MemoryPlace[] } = {}) {
  const all = { "proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   4 kB\nSwapFree: 1 kB\n", ...files };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(join(folder.path, dirname(name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  return memoryLimit({ root: folder.path, resident: 100, ...options });
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

/** A rank of machine "here", in these groups. */
const rank = (groups: string, place: Partial<MemoryPlace> = {}): MemoryPlace => {
  return { machine: "here", namespace: "", groups, ...place };
};
const here = { "proc/sys/kernel/random/boot_id": "here\n" };

test("ranks of one machine have equal shares of what is free there", () => {
  const ranks = [rank(""), rank(""), rank("", { machine: "elsewhere" })];
  expect(limit(here, { ranks })).toEqual({ bytes: 100 + (5 * 1024) / 2, of: "the machine", sharedBy: 2 });
  expect(limit(here, { ranks: [rank("")] })).toEqual({ bytes: 100 + 5 * 1024, of: "the machine" });
});

test("ranks share a control group that is above them, of the same container; not each other's own", () => {
  const job = (own: Readonly<Record<string, string>>) => ({
    ...here,
    "proc/self/cgroup": "0::/job/task_0\n",
    "sys/fs/cgroup/job/memory.max": "1000\n",
    "sys/fs/cgroup/job/memory.current": "400\n",
    ...own,
  });
  const ranks = [
    rank("0::/job/task_0\n"),
    rank("0::/job/task_1\n"),
    rank("0::/job/task_2\n"),
    rank("0::/other\n"),
    rank("0::/job/task_0\n", { namespace: "another container" }),
  ];
  expect(limit(job({}), { ranks })).toEqual({ bytes: 100 + 600 / 3, of: group, sharedBy: 3 });
  const own = {
    "sys/fs/cgroup/job/task_0/memory.max": "300\n",
    "sys/fs/cgroup/job/task_0/memory.current": "150\n",
  };
  expect(limit(job(own), { ranks })).toEqual({ bytes: 100 + 150, of: group });
});

test("of a GPU a process may take what it holds and what is free; a device that does not say has no limit", () => {
  const gpu = { held: 40, free: 500, total: 1000 };
  expect(gpuLimit("cuda:0", gpu)).toEqual({ bytes: 540, of: "the GPU" });
  expect(gpuLimit("cuda:0", { ...gpu, total: 0 }).bytes).toBe(Number.POSITIVE_INFINITY);
});
