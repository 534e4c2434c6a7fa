// Shows why merging into bfloat16 weights fails and what `base: split` keeps (docs/scalora.md); takes some seconds.
import { handOver, prepareRepository } from "./repository/prepare.mjs";

await prepareRepository();
handOver(["--import", "./src/testing/typescript-hooks.mjs", "tools/demonstrate-merging.ts"]);
