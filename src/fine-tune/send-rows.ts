import { setImmediate } from "node:timers/promises";
import { messageOf, ScaloraError } from "../util/errors.ts";
import type { SentRows } from "./messages.ts";
import type { Row } from "./options.ts";
import type { WorkThread } from "./work-thread.ts";

/** Milliseconds for which writing rows may hold up the event loop. */
const longestBlock = 4;

/** Sends rows to a thread as JSON lines, in parts between which the event loop turns. @param name of the rows in messages */
export async function sendRows(thread: WorkThread, rows: readonly Row[], name: string): Promise<SentRows> {
  const number = thread.nextNumber();
  let lines: string[] = [];
  const send = () => thread.sendRows(number, lines.join(""));
  try {
    let started = performance.now();
    for (const [index, row] of rows.entries()) {
      lines.push(`${jsonOf(row, `${name}, row ${index + 1}`)}\n`);
      if (performance.now() - started < longestBlock) continue;
      send();
      lines = [];
      await setImmediate();
      started = performance.now();
    }
    send();
    return { number, name };
  } catch (error) {
    thread.dropRows(number);
    throw error;
  }
}

function jsonOf(row: Row, where: string): string {
  try {
    return JSON.stringify(row);
  } catch (cause) {
    throw new ScaloraError("data", "A row cannot be written as JSON", {
      where,
      expected: "texts, numbers, lists and objects",
      found: messageOf(cause),
      cause,
    });
  }
}
