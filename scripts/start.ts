// npm start: sets everything up, then runs the quickstart; arguments are passed on.
import { prepareRepository, runNode } from "./repository/prepare.ts";

await prepareRepository();
await runNode(["bin/scalora.mjs", "quickstart", ...process.argv.slice(2)]);
