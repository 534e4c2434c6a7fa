import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { BoardList } from "../board/page/board-data.ts";
import { finishedRun } from "../board/testing/example-run.ts";
import { runsTypeScript } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const program = fileURLToPath(new URL("testing/run-main.ts", import.meta.url));

test("board prints its address, serves the runs, and ends with 0 on Ctrl-C", async () => {
  const cwd = scratch.fresh("one");
  finishedRun(join(cwd, "runs", "one"), 5);
  const args = ["board", "runs", "--port", "0"];
  const child = spawn(process.execPath, [...runsTypeScript, program, ...args], { cwd });
  const closed = new Promise<number | null>((done) => child.once("close", done));
  const url = await new Promise<string>((done) =>
    child.stdout.once("data", (text) => done(String(text).trim())),
  );
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const list: BoardList = JSON.parse(await (await fetch(new URL("api/runs", url))).text());
  expect(list.runs).toMatchObject([{ name: "one", state: "finished" }]);
  expect(await (await fetch(url)).text()).toContain("scalora board");
  child.kill("SIGINT");
  expect(await closed).toBe(0);
});

test.each([
  [["/nowhere/at/all"], "There is no folder /nowhere/at/all"],
  [["--port", "70000"], "at most 65535"],
  [["--host", "256.1.1.1"], "The board cannot listen there"],
])("board %j is refused", async (args, says) => {
  const { code, stderr } = await runScalora("board", ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(says);
});
