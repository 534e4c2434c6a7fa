// npm start: sets everything up, then runs the quickstart; arguments are passed on.
import { handOver, prepareRepository } from "./repository/prepare.mjs";

await prepareRepository();
handOver(["bin/scalora.mjs", "quickstart", ...process.argv.slice(2)]);
