// npm run build: compiles src to dist.
import { buildDist } from "./repository/build.ts";
import { installDependencies } from "./repository/install-dependencies.ts";
import { log } from "./repository/prepare.ts";

await installDependencies(log);
await buildDist(log);
