import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { listCheckpoints } from "../../src/train/checkpoints/read-checkpoint.ts";
import { currentPlace, currentProcess } from "../../src/util/locks/process-identity.ts";
import type { Random } from "../../src/util/random.ts";
import { count, type FaultBench, type Tally } from "./bench.ts";
import type { Case } from "./cases.ts";
import { endDifferences, outcomeOf } from "./outcome.ts";
import { faultOf } from "./verdict.ts";

/** What damages of checkpoints came to. */
export interface DamageReport {
  damages: number;
  /** How often the run came to the same end, and how often the damage was named and the resume refused. */
  same: number;
  refused: number;
  readonly byKind: Tally;
  readonly mismatches: string[];
}

export const newDamageReport = (): DamageReport => ({
  damages: 0,
  same: 0,
  refused: 0,
  byKind: {},
  mismatches: [],
});

/** A file of a checkpoint, and what else is there to exchange it with. */
interface Target {
  readonly folder: string;
  readonly checkpoint: string;
  readonly file: string;
  readonly other: string;
  readonly random: Random;
}

const inBytes = (change: (bytes: Buffer, random: Random) => void) => (target: Target) => {
  const path = join(target.checkpoint, target.file);
  const bytes = readFileSync(path);
  change(bytes, target.random);
  writeFileSync(path, bytes);
};

function exchange(one: string, other: string): void {
  renameSync(one, `${one}.exchanged`);
  renameSync(other, one);
  renameSync(`${one}.exchanged`, other);
}

const kinds: Record<string, (target: Target) => void> = {
  "a bit flipped": inBytes((bytes, random) => {
    const at = random.integerBelow(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.integerBelow(8)), at);
  }),
  "a block of zeros": inBytes((bytes, random) => bytes.fill(0, random.integerBelow(bytes.length))),
  "a file cut": ({ checkpoint, file, random }) => {
    const path = join(checkpoint, file);
    truncateSync(path, random.integerBelow(readFileSync(path).length));
  },
  "a file longer": ({ checkpoint, file }) => writeFileSync(join(checkpoint, file), "more", { flag: "a" }),
  "a file deleted": ({ checkpoint, file }) => rmSync(join(checkpoint, file)),
  "a folder in a file's place": ({ checkpoint, file }) => {
    rmSync(join(checkpoint, file));
    mkdirSync(join(checkpoint, file));
  },
  "a file of another checkpoint": ({ checkpoint, other, file }) =>
    cpSync(join(other, file), join(checkpoint, file)),
  "files exchanged": ({ checkpoint, file, random }) => {
    const another = random.pick(readdirSync(checkpoint).filter((name) => name !== file));
    exchange(join(checkpoint, file), join(checkpoint, another));
  },
  "checkpoints exchanged": ({ checkpoint, other }) => exchange(checkpoint, other),
  "a checkpoint in another's place": ({ checkpoint, other }) => {
    rmSync(checkpoint, { recursive: true });
    cpSync(other, checkpoint, { recursive: true });
  },
  "a checkpoint of a later step": ({ folder, other, random }) => {
    cpSync(other, join(folder, `step-${String(7 + random.integerBelow(90)).padStart(6, "0")}`), {
      recursive: true,
    });
  },
  "a checkpoint deleted": ({ checkpoint }) => rmSync(checkpoint, { recursive: true }),
  "a checkpoint emptied": ({ checkpoint }) => {
    rmSync(checkpoint, { recursive: true });
    mkdirSync(checkpoint);
  },
  "a file in a checkpoint's place": ({ checkpoint }) => {
    rmSync(checkpoint, { recursive: true });
    writeFileSync(checkpoint, "");
  },
};

/** Of a run's own files, as a killed process or a failing disk may leave them. */
const otherKinds: Record<string, (run: string) => void> = {
  "the lock of a process that is gone": (run) => {
    mkdirSync(join(run, ".lock"));
    const here = { ...currentProcess(), ...currentPlace() };
    const holder = { ...here, pid: 2 ** 22 + 1, since: new Date(0).toISOString() };
    writeFileSync(join(run, ".lock", "stale"), JSON.stringify(holder));
  },
  "a lock that is cut": (run) => {
    mkdirSync(join(run, ".lock"));
    writeFileSync(join(run, ".lock", "stale"), '{"pid":');
  },
  "an empty lock": (run) => mkdirSync(join(run, ".lock")),
  "a status that is cut": (run) => truncateSync(join(run, "status.json"), 40),
  "no status": (run) => rmSync(join(run, "status.json")),
  "a half-written checkpoint": (run) => {
    const [name = ""] = readdirSync(join(run, "checkpoints"));
    cpSync(join(run, "checkpoints", name), join(run, "checkpoints", `.unfinished-${name}`), {
      recursive: true,
    });
    rmSync(join(run, "checkpoints", `.unfinished-${name}`, "manifest.json"));
  },
};

/** Damages copies of a finished run, one or two of its checkpoints each, and resumes them. */
export async function damageCheckpoints(
  bench: FaultBench,
  one: Case,
  { damages, random }: { damages: number; random: Random },
  report: DamageReport,
): Promise<void> {
  const { outcome: expected } = await bench.reference(one);
  const { run: whole } = await bench.wholeRun(one);
  for (let i = 0; i < damages; i++) {
    const run = bench.newRun(one);
    cpSync(whole, run, { recursive: true });
    const done = damage(join(run, "checkpoints"), random);
    if (i % 2 === 0) done.push(damageRecord(run, random));
    for (const { kind } of done) count(report.byKind, kind);
    report.damages += 1;
    const result = await bench.train(one, run);
    const isSame = result.results[0]?.code === 0;
    report[isSame ? "same" : "refused"] += 1;
    const faults = isSame
      ? endDifferences(outcomeOf(run), expected)
      : [faultOf(result)].filter((fault) => fault !== undefined);
    const what = done.map(({ kind, path }) => `${kind} (${path})`).join(", ");
    for (const fault of faults) report.mismatches.push(`${one.name}, ${what}: ${fault}`);
    rmSync(run, { recursive: true });
  }
  rmSync(whole, { recursive: true });
}

/** Damages a newest checkpoint, and sometimes another one. */
function damage(folder: string, random: Random): { kind: string; path: string }[] {
  const all = listCheckpoints(folder).reverse();
  const targets = random.integerBelow(3) === 0 ? all.slice(0, 2) : all.slice(0, 1);
  const others = all.filter((entry) => !targets.includes(entry));
  return targets.map(({ path: checkpoint }) => {
    const kind = random.pick(Object.keys(kinds));
    const file = random.pick(readdirSync(checkpoint));
    kinds[kind]?.({ folder, checkpoint, file, other: random.pick(others).path, random });
    return { kind, path: `${checkpoint.slice(folder.length + 1)}/${file}` };
  });
}

function damageRecord(run: string, random: Random): { kind: string; path: string } {
  const kind = random.pick(Object.keys(otherKinds));
  otherKinds[kind]?.(run);
  return { kind, path: "the run" };
}
