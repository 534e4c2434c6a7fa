// A plug-in for fine-tune.test.ts whose thread ends in the middle of its run, as one does that is out of memory. Its method is that
// of the examples.
import { existsSync, readFileSync } from "node:fs";

export { inputGain } from "../examples/input-gain/input-gain.ts";

/** The run's record; without it the thread lives. */
const record = process.env["DYING_RECORD"] ?? "";
const hasSaved = () => existsSync(record) && readFileSync(record, "utf8").includes('"type":"checkpoint"');

if (record !== "")
  setInterval(() => {
    if (hasSaved()) process.exit(3);
  }, 10);
