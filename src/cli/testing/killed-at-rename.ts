// The command line in its own process, ended by SIGKILL once it has given a file or folder its name:
// node … killed-at-rename.ts <name> <arguments of scalora>.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import { main } from "../main.ts";

const [name, ...args] = process.argv.slice(2);
const { renameSync } = fs;
fs.renameSync = (from, to) => {
  renameSync(from, to);
  if (basename(String(to)) === name) process.kill(process.pid, "SIGKILL");
};
syncBuiltinESMExports();
process.exitCode = await main(args, { prepareEngine: async () => {} });
