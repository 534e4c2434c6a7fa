// npm run golden -- FILE…: sets everything up, then compares scaling events with files of golden vectors.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { prepareRepository, runNode } from "./repository/prepare.ts";

/** npm changes to the package's folder; a path may be meant from where the command was typed. */
function absolute(path: string) {
  const here = resolve(path);
  return existsSync(here) ? here : resolve(process.env.INIT_CWD ?? "", path);
}

await prepareRepository();
const files = process.argv.slice(2).map(absolute);
await runNode(["--import", "./src/testing/typescript-hooks.mjs", "tools/golden.ts", ...files]);
