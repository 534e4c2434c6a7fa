// The command line from the sources, in a process of its own.
import { main } from "../main.ts";

process.exitCode = await main(process.argv.slice(2), { prepareEngine: async () => {} });
