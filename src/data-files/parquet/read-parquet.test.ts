import { expect, test } from "vitest";
import { temporaryFile } from "../../data/testing/files.ts";
import { refusal } from "../../testing/refusal.ts";
import { readParquet } from "./read-parquet.ts";

/** 40 rows with a column `text`, in a dictionary. */
const table = Buffer.from(
  "UEFSMRUEFSwVMEwVBhUAAAAWVAMAAAB5ZXMCAAAAbm8FAAAAbWF5YmUVBhUcFSBcFVAVABVQFRAVBBUAAABQAQwsAgskSZIkSZIkSZIkFQQZLEgE" +
    "cm9vdBUCABUMJQIYBHRleHQlAAAWUBkcGRwmCBwVDBklABAZGAR0ZXh0FQIWUBaMARaUASZSJggcNgAoA3llcxgFbWF5YmUAGSwVBBUAFQIAFQYV" +
    "EBUCAAAAFowBFlA2lAEAKAloeXBhcnF1ZXQZHBwAAAB6AAAAUEFSMQ==",
  "base64",
);

async function rowsOf(bytes: Uint8Array, options?: Parameters<typeof readParquet>[1]) {
  const rows: unknown[] = [];
  for await (const { value } of readParquet(temporaryFile("rows.parquet", bytes), options)) rows.push(value);
  return rows;
}

/** The table with bytes changed, by their positions. */
function damaged(changes: Readonly<Record<number, number>>): Uint8Array {
  const bytes = Uint8Array.from(table);
  for (const [at, value] of Object.entries(changes)) bytes[Number(at)] = value;
  return bytes;
}

test("a table is read in another process", async () => {
  const rows = await rowsOf(table);
  expect(rows).toHaveLength(40);
  expect(rows.slice(0, 3)).toEqual([{ text: "yes" }, { text: "no" }, { text: "maybe" }]);
});

test("a footer of zeros is said to be damaged", async () => {
  const bytes = Buffer.concat([Buffer.from("PAR1"), Buffer.alloc(64), Buffer.from("PAR1")]);
  await expect(rowsOf(bytes)).rejects.toThrow(refusal("data", { found: "the footer is damaged" }));
});

// Found by changing bytes at random; each makes the decoder loop for ever.
test.each([{ 57: 255 }, { 145: 115, 56: 5 }])(
  "a table whose decoding never ends is given up: case %#",
  async (changes) => {
    await expect(rowsOf(damaged(changes), { limits: { seconds: 0.2, memory: 2 ** 30 } })).rejects.toThrow(
      refusal("data", { where: /rows\.parquet$/, found: "0.2 s" }),
    );
  },
);

test("decoding may take no more memory than its limit", async () => {
  await expect(rowsOf(damaged({ 57: 255 }), { limits: { seconds: 60, memory: 2 ** 20 } })).rejects.toThrow(
    refusal("data", { where: /rows\.parquet$/, found: "1.00 MiB" }),
  );
});

test("a signal ends the wait", async () => {
  const reason = new Error("stopped");
  const stop = new AbortController();
  const reading = rowsOf(damaged({ 57: 255 }), { signal: stop.signal });
  setTimeout(() => stop.abort(reason), 100);
  await expect(reading).rejects.toBe(reason);
});
