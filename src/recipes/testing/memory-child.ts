// Trains a recipe (JSON) in its own process, as the command line does: prints the estimated and the real peak of the training's
// memory. (The report comes after it; from the sources it compiles the page's scripts, which the package does not.)
import { parseRecipe } from "../../config/index.ts";
import { keepFreedMemory, memory, setThreads } from "../../torch/index.ts";
import { runTraining } from "../run-training.ts";

process.env["LRU_CACHE_CAPACITY"] = "64";
process.env["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "64";
keepFreedMemory();
setThreads(1);
let estimated: number | undefined;
let peak: number | undefined;
await runTraining(parseRecipe(JSON.parse(process.argv[2] ?? "")), {
  signal: new AbortController().signal,
  onEvent: (event) => {
    if (event.type === "start") estimated = event.environment.estimatedMemory;
    if (event.type === "end") peak = memory().peak;
  },
});
process.stdout.write(JSON.stringify({ estimated, peak }));
