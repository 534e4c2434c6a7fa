import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import * as torch from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { LostLockError } from "../../util/locks/process-lock.ts";
import { Random } from "../../util/random.ts";
import { completeness, findNewestValid, listCheckpoints, verifyCheckpoint } from "./read-checkpoint.ts";
import { type CheckpointContent, pruneCheckpoints, saveCheckpoint } from "./save-checkpoint.ts";

let temporary: ReturnType<typeof temporaryFolder>;
let weight: torch.Tensor;
const folder = () => join(temporary.path, "run", "checkpoints");
beforeEach(() => {
  temporary = temporaryFolder();
  weight = torch.fromData(Float32Array.of(1, 2, 3), [3], { device: "cpu" });
});
afterEach(() => {
  temporary.remove();
  weight.dispose();
  expect(torch.liveTensorCount()).toBe(0);
});

const content = (step: number, state = {}): CheckpointContent => ({
  step,
  evalLoss: step / 10,
  identity: { base: "b".repeat(64), adapter: { method: "full" } },
  tensors: { adapters: new Map([["weight", weight]]), optimizer: new Map(), generators: new Map() },
  state,
});
const save = (step: number, state = {}) => saveCheckpoint(folder(), content(step, state));
const steps = () => listCheckpoints(folder()).map(({ step }) => step);

test("a checkpoint is a folder whose manifest lists each file with size and hash", () => {
  const path = save(12);
  expect(readdirSync(folder())).toEqual(["step-000012"]);
  const manifest = verifyCheckpoint(path);
  expect(manifest).toMatchObject({ format: "scalora-checkpoint", version: 2, step: 12, evalLoss: 1.2 });
  expect(Object.keys(manifest.files).sort()).toEqual(
    readdirSync(path)
      .filter((name) => name !== "manifest.json")
      .sort(),
  );
});

test("saving a step that is there already keeps it; a broken one is replaced", () => {
  const path = save(3, { first: true });
  save(3, { first: false });
  expect(readFileSync(join(path, "state.json"), "utf8")).toContain("true");
  writeFileSync(join(path, "manifest.json"), "{");
  save(3, { first: false });
  expect(readFileSync(join(path, "state.json"), "utf8")).toContain("false");
  expect(findNewestValid(folder())?.entry.step).toBe(3);
});

test("what a killed save or removal left is not a checkpoint and goes with the next save", () => {
  save(1);
  mkdirSync(join(folder(), ".unfinished-step-000002"));
  writeFileSync(join(folder(), ".unfinished-step-000002", "adapters.safetensors"), "half");
  expect(steps()).toEqual([1]);
  save(3);
  expect(readdirSync(folder()).sort()).toEqual(["step-000001", "step-000003"]);
});

test("pruning keeps the last k whole ones and the best; broken ones do not count and never displace a whole one", () => {
  for (const step of [1, 2, 3, 4, 5, 6]) save(step);
  pruneCheckpoints(folder(), 2, 3);
  expect(steps()).toEqual([3, 5, 6]);
  writeFileSync(join(folder(), "step-000006", "state.json"), "");
  writeFileSync(join(folder(), "step-000003", "state.json"), "");
  pruneCheckpoints(folder(), 1, undefined);
  expect(steps()).toEqual([5]);
  writeFileSync(join(folder(), "step-000005", "state.json"), "");
  pruneCheckpoints(folder(), 1, undefined);
  expect(steps()).toEqual([5]);
});

test("a checkpoint that the disk does not let judge is kept whatever it is, and told", () => {
  for (const step of [1, 2, 3]) save(step);
  const manifest = join(folder(), "step-000001", "manifest.json");
  renameSync(manifest, join(temporary.path, "manifest.json"));
  // Opening this fails with ELOOP, as it may with EIO or EACCES.
  symlinkSync("manifest.json", manifest);
  writeFileSync(join(folder(), "step-000002", "state.json"), "");
  expect(pruneCheckpoints(folder(), 1, undefined)).toEqual([
    {
      step: 1,
      path: join(folder(), "step-000001"),
      reason: expect.stringContaining("ELOOP"),
      isUnreadable: true,
    },
  ]);
  expect(steps()).toEqual([1, 3]);
  rmSync(manifest);
  renameSync(join(temporary.path, "manifest.json"), manifest);
  expect(pruneCheckpoints(folder(), 1, undefined)).toEqual([]);
  expect(steps()).toEqual([3]);
});

test("a process that has lost the run neither saves nor removes a checkpoint", () => {
  for (const step of [1, 2, 3]) save(step);
  const lost = () => {
    throw new LostLockError("run", "lost");
  };
  // Also where the checkpoint is there, as the process that has taken over has made it.
  for (const step of [3, 4])
    expect(() => saveCheckpoint(folder(), content(step), lost)).toThrow(LostLockError);
  expect(() => pruneCheckpoints(folder(), 1, 2, lost)).toThrow(LostLockError);
  expect(steps()).toEqual([1, 2, 3]);
});

test("a failed save is told as it is where the lock cannot be read, and as a lost lock where it is lost", () => {
  save(1);
  weight.dispose();
  const failing = (error: Error) => {
    let looks = 0;
    return () =>
      saveCheckpoint(folder(), content(2), () => {
        if (looks++ > 0) throw error;
      });
  };
  const unreadable = new ScaloraError("run", "A lock cannot be read");
  expect(failing(unreadable)).toThrow(refusal("run", { where: /step-000002$/, found: /disposed/ }));
  expect(failing(new LostLockError("run", "lost"))).toThrow(LostLockError);
  expect(readdirSync(folder())).toEqual(["step-000001"]);
});

test("a save that fails leaves the earlier checkpoints and says which one is safe", () => {
  const good = save(1);
  const broken = torch.fromData(Float32Array.of(1), [1], { device: "cpu" });
  broken.dispose();
  const failing = () =>
    saveCheckpoint(folder(), {
      step: 2,
      evalLoss: undefined,
      identity: { base: "b", adapter: null },
      tensors: { adapters: new Map([["weight", broken]]), optimizer: new Map(), generators: new Map() },
      state: {},
    });
  expect(failing).toThrow(refusal("run", { where: /step-000002$/, fix: "step 1" }));
  expect(readdirSync(folder())).toEqual(["step-000001"]);
  expect(completeness(good)).toBe("complete");
});

test("a checkpoint in the folder of another step is not one: its run would go on from the wrong step", () => {
  const path = save(1);
  const other = join(folder(), "step-000009");
  cpSync(path, other, { recursive: true });
  expect(() => verifyCheckpoint(other)).toThrow(
    refusal("format", { where: /step-000009$/, found: /step 1$/ }),
  );
  expect(findNewestValid(folder())).toMatchObject({ entry: { step: 1 }, broken: [{ step: 9 }] });
  renameSync(path, join(temporary.path, "kept"));
  expect(verifyCheckpoint(join(temporary.path, "kept")).step).toBe(1);
});

test("a manifest cannot point outside its folder", () => {
  const path = save(1);
  const file = join(path, "manifest.json");
  writeFileSync(file, readFileSync(file, "utf8").replace('"state.json"', '"../state.json"'));
  expect(() => verifyCheckpoint(path)).toThrow(
    refusal("format", { where: "manifest.json: files.../state.json" }),
  );
});

test("one flipped bit in the manifest or the state is damage of that checkpoint, and the older one is used", () => {
  const random = new Random(17);
  save(1, { data: [1, 2, 3] });
  const path = save(2, { data: [1, 2, 3] });
  for (const name of ["manifest.json", "state.json"]) {
    const file = join(path, name);
    const whole = readFileSync(file);
    for (let i = 0; i < 200; i++) {
      const flipped = Buffer.from(whole);
      const at = random.integerBelow(flipped.length);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << random.integerBelow(8)), at);
      writeFileSync(file, flipped);
      expect(() => verifyCheckpoint(path)).toThrow(refusal("format"));
      expect(findNewestValid(folder())).toMatchObject({
        entry: { step: 1 },
        broken: [{ step: 2, reason: expect.stringContaining(path) }],
      });
    }
    writeFileSync(file, whole);
  }
  expect(verifyCheckpoint(path).step).toBe(2);
});

test("a checkpoint of version 1, whose manifest has no hash of its own, is read; one of a later version is not", () => {
  const path = save(3);
  const file = join(path, "manifest.json");
  const { sha256: _, ...manifest } = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...manifest, version: 1 }));
  expect(verifyCheckpoint(path)).toMatchObject({ version: 1, step: 3 });
  for (const version of [2, 3]) {
    writeFileSync(file, JSON.stringify({ ...manifest, version }));
    expect(() => verifyCheckpoint(path)).toThrow(refusal("format", { where: "manifest.json" }));
  }
});
