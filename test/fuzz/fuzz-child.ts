/**
 * Gives damaged files to one or more targets and prints what became of them, a line of JSON for each target. The first input
 * that is neither used nor clearly refused ends it; the input lies in the target's folder. A process of its own, because native
 * code may end it, and because a reader that never returns can only be ended with its process.
 *
 *     fuzz-child.ts REQUEST
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setThreads } from "../../src/torch/index.ts";
import { elementAt, required } from "../../src/util/elements.ts";
import { Random } from "../../src/util/random.ts";
import { Campaign } from "./campaign.ts";
import { requestSchema } from "./child-request.ts";
import { InputStream } from "./input-stream.ts";
import { shorten } from "./shorten.ts";
import { TargetRunner } from "./target-runner.ts";
import { allTargets } from "./targets/all-targets.ts";
import { Watchdog } from "./watchdog.ts";

const limits = { seconds: 10, bytes: 1.5 * 2 ** 30 };

/** Inputs that once failed. */
function corpusOf(name: string): Uint8Array[] {
  const folder = join(fileURLToPath(new URL("corpus", import.meta.url)), name);
  return existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file))) : [];
}

const { scratch, targets, seed, budget, guided } = requestSchema.parse(
  JSON.parse(elementAt(process.argv, 2)),
);
const watchdog = new Watchdog(limits);
setThreads(1);
for (const name of targets) {
  const target = required(
    allTargets.find((each) => each.name === name),
    name,
  );
  const runner = await TargetRunner.open(target, scratch);
  const campaign = new Campaign(runner, new InputStream(target, new Random(seed)), () => watchdog.next());
  const report = await campaign.run([...target.seeds, ...corpusOf(name)], budget, guided);
  console.log(JSON.stringify(report));
  if (report.failure === undefined) continue;
  await shortenFailure(runner);
  break;
}

/** Puts the shortest input that fails in the same place into the target's folder. */
async function shortenFailure(runner: TargetRunner): Promise<void> {
  const input = runner.lastInput();
  const placeOf = async (bytes: Uint8Array) => {
    watchdog.next();
    return runner.run(bytes).then(() => "", errorPlace);
  };
  const place = await placeOf(input);
  const shortest = await shorten(input, async (shorter) => (await placeOf(shorter)) === place);
  await placeOf(shortest);
}

/** Kind of an error, and the line of code that threw it. */
function errorPlace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name} ${error.stack?.split("\n").find((line) => line.startsWith("    at "))}`;
}
