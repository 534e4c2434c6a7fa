import { endQuickly, zeros } from "../index.ts";

zeros([1], { device: "cpu" });
process.once("exit", () => console.log("ended by JavaScript"));
endQuickly();
process.once("exit", () => console.log("not reached"));
process.exitCode = 3;
