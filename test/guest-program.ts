// What the addon changes in the process that loads it: run by guest.test.ts, which reads the JSON. Linux only. It uses the
// compiled package, as other programs do. `node guest-program.ts [keep]`: with keepFreedMemory() before the first operator
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The settings of a thread: blocked, ignored and handled signals as bit masks, and how many threads the process has. */
function settings(task = String(process.pid)) {
  const text = readFileSync(`/proc/self/task/${task}/status`, "utf8");
  const field = (name: string) => new RegExp(`^${name}:\\s+(\\w+)`, "m").exec(text)?.[1];
  return {
    blocked: field("SigBlk"),
    ignored: field("SigIgn"),
    handled: field("SigCgt"),
    threads: field("Threads"),
  };
}

const tasks = () => readdirSync("/proc/self/task");

/** Bytes of the heap that `malloc` extends; large buffers that it maps are not in it. */
function heapSize() {
  const maps = readFileSync("/proc/self/maps", "utf8");
  const [, begin = "", end = ""] = /^(\w+)-(\w+) .*\[heap\]$/m.exec(maps) ?? [];
  return Number.parseInt(end, 16) - Number.parseInt(begin, 16);
}

// The threads that Node starts at the first asynchronous reads of files are there before anything is compared.
await Promise.all(Array.from({ length: 16 }, () => stat(tmpdir())));
const start = settings();
const { torch } = await import("scalora");
if (process.argv[2] === "keep") torch.keepFreedMemory();
const four = torch.fromData(new Float32Array(4), [4], { device: "cpu" });
torch.scope(() => torch.add(four, four));
const afterOperator = settings();

// The threads of parallel operators: libtorch starts them with the first large one, and they inherit this thread's mask.
torch.setThreads(2);
const [tasksBefore, heapBefore] = [tasks(), heapSize()];
torch.zeros([2 ** 25], { device: "cpu" });
const heapGrowth = heapSize() - heapBefore;
const workers = tasks().filter((task) => !tasksBefore.includes(task));
const workerMasks = workers.map((task) => settings(task).blocked);

torch.useGemmBackend("onednn");
torch.noGrad(() =>
  torch.fastLinear(torch.zeros([512, 512], { device: "cpu" }), torch.zeros([512, 512], { device: "cpu" })),
);
const productMasks = workers.map((task) => settings(task).blocked);
const { threads: _, ...afterProduct } = settings();

const path = join(tmpdir(), `guest-${process.pid}`);
await writeFile(path, new Uint8Array(64));
const file = new torch.MappedFile(path);
const whileMapped = settings().handled;
file.dispose();
const afterClose = settings().handled;

// A signal that has nothing to do with mapped files reaches the handler that was there before.
const alive = setInterval(() => {}, 1000);
const received = new Promise((resolve) => process.once("SIGBUS", resolve));
const again = new torch.MappedFile(path);
process.kill(process.pid, "SIGBUS");
const passedOn = await received;
clearInterval(alive);
again.dispose();
rmSync(path);

console.log(
  JSON.stringify({
    start,
    afterOperator,
    afterProduct,
    heapGrowth,
    workerMasks,
    productMasks,
    whileMapped,
    afterClose,
    passedOn,
  }),
);
