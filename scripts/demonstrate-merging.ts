// Shows why merging into bfloat16 weights fails and what `base: split` keeps (docs/scalora.md); takes some seconds.
import { prepareRepository, runNode } from "./repository/prepare.ts";

await prepareRepository();
await runNode(["--import", "./src/testing/typescript-hooks.mjs", "tools/demonstrate-merging.ts"]);
