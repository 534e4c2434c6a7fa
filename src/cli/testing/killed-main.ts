// The command line in its own process, ended by SIGKILL during the count-th file change:
// node … killed-main.ts <count> <arguments of scalora>.
import { failAtFileChange } from "../../testing/file-fault-injection.ts";
import { main } from "../main.ts";

const [count, ...args] = process.argv.slice(2);
failAtFileChange(Number(count), () => process.kill(process.pid, "SIGKILL"));
process.exitCode = await main(args, { prepareEngine: async () => {} });
