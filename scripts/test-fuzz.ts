// npm run test:fuzz: sets everything up, then gives damaged files to every reader (test/fuzz/fuzz-main.ts says how).
import { prepareRepository, runNode } from "./repository/prepare.ts";

await prepareRepository();
await runNode(["--import", "tsx", "test/fuzz/fuzz-main.ts", ...process.argv.slice(2)]);
