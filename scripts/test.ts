// npm test: sets everything up, then runs all tests; arguments (files, -t NAME) are passed on to vitest.
import { prepareRepository, runNode } from "./repository/prepare.ts";

await prepareRepository();
const reporters = ["--reporter=default", "--reporter=./scripts/repository/test-reporter.ts"];
await runNode(["node_modules/vitest/vitest.mjs", "run", ...reporters, ...process.argv.slice(2)]);
