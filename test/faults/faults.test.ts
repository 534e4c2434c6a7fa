// The short form of `npm run test:faults`: a few faults of each kind, the same every time.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listMethods } from "../../src/adapters/registry.ts";
import { temporaryFolder } from "../../src/testing/tiny-run.ts";
import { elementAt } from "../../src/util/elements.ts";
import { Random } from "../../src/util/random.ts";
import { buildPackage } from "../support/programs.ts";
import { FaultBench } from "./bench.ts";
import { type Case, writeCases } from "./cases.ts";
import { damageCheckpoints, newDamageReport } from "./damages.ts";
import { failingReads, failingWrites, newDiskReport, readOnlyDisk, smallDisks } from "./disk.ts";
import { ForkServer } from "./fork-server.ts";
import { killRuns } from "./kills.ts";
import { whyNoMounts } from "./mounts.ts";

const onLinux = test.runIf(process.platform === "linux");
const scratch = temporaryFolder();
let cases: Case[] = [];
let server: ForkServer;
let bench: FaultBench;

beforeAll(async () => {
  if (process.platform !== "linux") return;
  buildPackage();
  mkdirSync(join(scratch.path, "runs"));
  cases = new Random(4).shuffled(writeCases(scratch.path));
  server = await ForkServer.start(named("scalora-i-float32").recipe, scratch.path);
  bench = new FaultBench(server, join(scratch.path, "runs"));
});
afterAll(() => {
  server?.[Symbol.dispose]();
  scratch.remove();
});

const named = (name: string) =>
  elementAt(
    cases.filter((one) => one.name === name),
    0,
  );

onLinux("the recipes are of every method, in float32 and in bfloat16", () => {
  const methods = new Set(cases.map(({ method }) => method));
  expect([...methods].sort()).toEqual(
    listMethods()
      .map(({ name }) => name)
      .sort(),
  );
  for (const method of methods)
    expect(new Set(cases.flatMap((one) => (one.method === method ? [one.dtype] : [])))).toEqual(
      new Set(["float32", "bfloat16"]),
    );
});

onLinux("killed at any instant, again and again, runs end as if nothing had been", async () => {
  const report = await killRuns(bench, cases, { kills: 6, until: Infinity, random: new Random(1) });
  expect(report.mismatches).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(6);
  expect(report.resumes).toBeGreaterThan(0);
});

onLinux(
  "a full or failing disk stops a run with an error that says so, and the resume ends the same",
  async () => {
    const report = newDiskReport();
    const random = new Random(2);
    const instants = () => [1, 2].map(() => 1 + random.integerBelow(120));
    await failingWrites(bench, named("scalora-i-float32"), "ENOSPC", instants(), report);
    await failingWrites(bench, named("full-bfloat16"), "EIO", instants(), report);
    // Of the recipe, the lock and the record: without those no run is resumed.
    await failingReads(bench, named("full-bfloat16"), [1, 3, 6], report);
    expect(report.mismatches).toEqual([]);
    expect(report.failures).toBe(7);
  },
);

const noMounts = whyNoMounts();
if (noMounts !== undefined) console.log(`skipped: small and read-only disks, because ${noMounts}`);
const withMounts = test.skipIf(noMounts !== undefined);

withMounts("disks are mounted for the server's processes alone: a killed test leaves none behind", () => {
  const path = join(scratch.path, "disk");
  const isMounted = (pid: string) => readFileSync(`/proc/${pid}/mounts`, "utf8").includes(path);
  {
    using _ = server.mount(path, 65536);
    expect([isMounted("self"), isMounted(`${server.pid}`)]).toEqual([false, true]);
    writeFileSync(join(server.seen(path), "file"), "");
    expect(readdirSync(path)).toEqual([]);
  }
  expect([isMounted(`${server.pid}`), existsSync(path)]).toEqual([false, false]);
});

withMounts("small and read-only disks", async () => {
  const report = newDiskReport();
  await smallDisks(bench, named("scalora-i-float32"), [65536], report);
  await readOnlyDisk(bench, named("scalora-i-float32"), report);
  expect(report.mismatches).toEqual([]);
  expect(report.failures).toBe(3);
});

onLinux("damaged checkpoints lead to the same end, or to an error that names them", async () => {
  const report = newDamageReport();
  await damageCheckpoints(bench, named("lora-float32"), { damages: 4, random: new Random(3) }, report);
  expect(report.mismatches).toEqual([]);
  expect(report.damages).toBe(4);
});
