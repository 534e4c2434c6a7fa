// Prints the peak of this process's memory in bytes.
import { memory } from "../system.ts";

process.stdout.write(String(memory().peak));
