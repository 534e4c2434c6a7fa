import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { ScaloraError } from "../util/errors.ts";
import { assertCanStart, lockNewRun } from "./lock-run.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
mkdirSync(scratch.path, { recursive: true });

/** How a run of this path is refused; `undefined` where it is not. */
function refusalOf(attempt: () => unknown) {
  try {
    attempt();
    return undefined;
  } catch (error) {
    if (!(error instanceof ScaloraError)) throw error;
    const { code, message, where } = error;
    return { code, title: message.split("\n")[0], where };
  }
}

test.each<[string, string | undefined, (path: string) => unknown]>([
  ["nothing", undefined, () => {}],
  ["an empty folder", undefined, (path) => mkdirSync(path)],
  [
    "what a killed process leaves",
    undefined,
    (path) => {
      mkdirSync(join(path, ".lock"), { recursive: true });
      writeFileSync(join(path, "config.yaml.17.tmp"), "");
    },
  ],
  ["a file", "config", (path) => writeFileSync(path, "")],
  [
    "a folder with other files",
    "config",
    (path) => {
      mkdirSync(path);
      writeFileSync(join(path, "notes.txt"), "");
    },
  ],
])(
  "with %s at its path, a new run is refused by the look at it exactly as by its start",
  (name, code, make) => {
    const path = scratch.fresh(name);
    make(path);
    const before = readdirSync(scratch.path, { recursive: true });
    const looked = refusalOf(() => assertCanStart(path));
    expect(readdirSync(scratch.path, { recursive: true })).toEqual(before);
    expect(looked).toEqual(refusalOf(() => lockNewRun(path)[Symbol.dispose]()));
    expect(looked?.code).toBe(code);
  },
);

test("below a file no run can start", () => {
  writeFileSync(at("plain"), "");
  const path = at("plain", "runs", "mine");
  const looked = refusalOf(() => assertCanStart(path));
  expect(looked).toMatchObject({ code: "run", where: path });
  expect(looked).toEqual(refusalOf(() => lockNewRun(path)));
});

test("a run that a process is about to start is refused", () => {
  const path = at("begun");
  using _lock = lockNewRun(path);
  const looked = refusalOf(() => assertCanStart(path));
  expect(looked).toMatchObject({ code: "usage", where: path });
  expect(looked).toEqual(refusalOf(() => lockNewRun(path)));
});
