import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fittingThreads, usableCores } from "./usable-cores.ts";

let root: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  root = temporaryFolder();
});
afterEach(() => root.remove());

function system(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    const file = join(root.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const usable = usableCores(root.path);
  return { ...usable, threads: fittingThreads(usable) };
}
const allowed = (list: string) => ({ "proc/self/status": `Name:\tnode\nCpus_allowed_list:\t${list}\n` });
const siblings = (cpu: number, list: string) => ({
  [`sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`]: `${list}\n`,
});

test("a thread for each core that the affinity allows", () => {
  expect(system(allowed("0-2,5"))).toEqual({ processors: 4, cores: 4, quota: undefined, threads: 4 });
});

test("two threads of one core count once", () => {
  const cores = {
    ...siblings(0, "0,2"),
    ...siblings(1, "1,3"),
    ...siblings(2, "0,2"),
    ...siblings(3, "1,3"),
  };
  expect(system({ ...allowed("0-3"), ...cores })).toMatchObject({ processors: 4, cores: 2, threads: 2 });
});

test.each([
  ["150000 100000", 1.5, 1],
  ["50000 100000", 0.5, 1],
  ["300000 100000", 3, 3],
  ["max 100000", undefined, 4],
])("a container with cpu.max %s", (max, quota, threads) => {
  const group = { "proc/self/cgroup": "0::/box/inner\n", "sys/fs/cgroup/box/cpu.max": `${max}\n` };
  expect(system({ ...allowed("0-3"), ...group })).toMatchObject({ quota, threads });
});

test("the tightest limit counts, and that of a mount whose root is the container", () => {
  const group = {
    "proc/self/cgroup": "0::/box/inner\n",
    "sys/fs/cgroup/box/inner/cpu.max": "300000 100000\n",
    "sys/fs/cgroup/cpu.max": "200000 100000\n",
  };
  expect(system({ ...allowed("0-3"), ...group })).toMatchObject({ quota: 2, threads: 2 });
});

test.each([
  ["200000", 2],
  ["-1", undefined],
])("version 1 of control groups with a quota of %s", (microseconds, quota) => {
  const folder = "sys/fs/cgroup/cpu,cpuacct/box";
  const group = {
    "proc/self/cgroup": "5:memory:/box\n4:cpu,cpuacct:/box\n",
    [`${folder}/cpu.cfs_quota_us`]: `${microseconds}\n`,
    [`${folder}/cpu.cfs_period_us`]: "100000\n",
  };
  expect(system({ ...allowed("0-3"), ...group }).quota).toBe(quota);
});

test("a system that says nothing", () => {
  const { processors, cores, quota, threads } = system({});
  expect({ cores, quota, threads }).toEqual({ cores: processors, quota: undefined, threads: processors });
});
