import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runsTypeScript } from "../testing/child-process.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { removeLostScratch, ScratchFolder } from "./scratch-folder.ts";

const scratch = temporaryFolder();
afterAll(() => scratch.remove());

/** Leaves a folder with rows, as a process does that is killed. */
const killed = (place: string) => `
  import { writeFileSync } from "node:fs";
  import { ScratchFolder } from ${JSON.stringify(new URL("scratch-folder.ts", import.meta.url).href)};
  const { path } = new ScratchFolder(${JSON.stringify(place)});
  writeFileSync(path + "/data.jsonl", "{}");
  process.kill(process.pid, "SIGKILL");`;

test("the folder of a process that was killed is removed by the next one, that of a living one is not", () => {
  const place = join(scratch.path, "system");
  mkdirSync(join(place, "scalora-rows-of-somebody"), { recursive: true });
  const args = [...runsTypeScript, "--input-type=module", "--eval", killed(place)];
  expect(spawnSync(process.execPath, args)).toMatchObject({ signal: "SIGKILL" });
  const [lost = "", ...others] = readdirSync(place).filter((name) => !name.endsWith("somebody"));
  expect([existsSync(join(place, lost, "data.jsonl")), others]).toEqual([true, []]);
  const living = new ScratchFolder(place);
  removeLostScratch(place);
  expect([existsSync(join(place, lost)), existsSync(living.path)]).toEqual([false, true]);
  living[Symbol.dispose]();
  expect(readdirSync(place)).toEqual(["scalora-rows-of-somebody"]);
});

test("a system without a place for temporary files is an error that says what to set", () => {
  const file = join(scratch.path, "file");
  writeFileSync(file, "");
  removeLostScratch(file);
  expect(() => new ScratchFolder(file)).toThrow(refusal("run", { where: file, fix: "TMPDIR" }));
});
