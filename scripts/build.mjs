// npm run build: compiles src to dist.
import { buildDist } from "./repository/build.mjs";
import { installDependencies } from "./repository/dependencies.mjs";
import { log } from "./repository/prepare.mjs";

await installDependencies(log);
await buildDist(log);
