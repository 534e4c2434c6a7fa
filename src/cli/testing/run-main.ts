// The command line from the sources, in its own process.
import { main } from "../main.ts";

process.exitCode = await main(process.argv.slice(2), { prepareEngine: async () => {} });
