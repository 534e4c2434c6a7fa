// Trains a recipe (JSON) in its own process and prints the announced and the real peak of its memory in bytes, as JSON: as the
// command line does it, or with a second argument `program` as a program that changes no setting of its process.
import { parseRecipe } from "../../config/index.ts";
import { keepFreedMemory, memory, setThreads } from "../../torch/index.ts";
import { runTraining } from "../run-training.ts";

if (process.argv[3] !== "program") {
  process.env["LRU_CACHE_CAPACITY"] = "64";
  process.env["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "64";
  keepFreedMemory();
}
setThreads(1);
let announced: number | undefined;
let peak = 0;
await runTraining(parseRecipe(JSON.parse(process.argv[2] ?? "")), {
  signal: new AbortController().signal,
  onEvent: (event) => {
    if (event.type === "start") announced = event.environment.estimatedMemory;
    // The report comes after it; from the sources it compiles the page's scripts, which the package does not.
    if (event.type === "end") peak = memory().peak;
  },
});
process.stdout.write(JSON.stringify({ announced, peak }));
