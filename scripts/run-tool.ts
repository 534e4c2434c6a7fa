// npm run tool -- FILE ARGUMENTS…: sets everything up, then runs a program of tools/ or bench/ from its source.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { prepareRepository, runNode } from "./repository/prepare.ts";

/** npm changes to the package's folder; a file may be meant from where the command was typed. */
function fromHere(argument: string) {
  const typed = resolve(process.env["INIT_CWD"] ?? "", argument);
  return !existsSync(argument) && existsSync(typed) ? typed : argument;
}

await prepareRepository();
await runNode(["--import", "tsx", ...process.argv.slice(2).map(fromHere)]);
