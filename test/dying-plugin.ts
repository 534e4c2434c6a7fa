// A plug-in for fine-tune.test.ts whose thread ends in the middle of its run, as one does that is out of memory. Its method is that
// of the examples.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export { inputGain } from "../examples/input-gain/input-gain.ts";

const record = join(process.argv[3] ?? "", "dies", "events.jsonl");
const hasStepped = () => existsSync(record) && readFileSync(record, "utf8").includes('"type":"step"');

if (process.env["PLUGIN_LIVES"] === undefined)
  setInterval(() => {
    if (hasStepped()) process.exit(3);
  }, 10);
