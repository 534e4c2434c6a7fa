import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import * as torch from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "mapped-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOfOnes(name: string, count: number): string {
  const path = join(folder, name);
  writeFileSync(path, new Uint8Array(new Float32Array(count).fill(1).buffer));
  return path;
}

test("a tensor shares the file's pages, outlives the map, and never writes to the file", () => {
  const path = fileOfOnes("ones", 8);
  const file = new torch.MappedFile(path);
  torch.scope(() => {
    const tensor = file.tensor(8, [3], "float32");
    const unaligned = file.tensor(6, [2], "int16");
    file.dispose();
    torch.fill_(tensor, 5);
    expect([...tensor.data()]).toEqual([5, 5, 5]);
    expect(unaligned.dtype).toBe("int16");
  });
  expect(readFileSync(path)).toEqual(Buffer.from(new Float32Array(8).fill(1).buffer));
});

test("a tensor beyond the end of its file is refused", () => {
  using file = new torch.MappedFile(fileOfOnes("short", 4));
  const beyond = refusal("format", { where: "mappedTensor", message: "end" });
  expect(() => file.tensor(8, [3], "float32")).toThrow(beyond);
  expect(() => file.tensor(0, [2 ** 40, 2 ** 40], "float32")).toThrow(
    refusal("format", { where: "mappedTensor", message: "shape" }),
  );
  expect(() => file.tensor(-4, [1], "float32")).toThrow(beyond);
});

test("a file that is cut short while it is mapped is noticed; the process lives", () => {
  const path = fileOfOnes("cut", 1 << 20);
  using file = new torch.MappedFile(path);
  using tensor = file.tensor(0, [1 << 20], "float32");
  expect(torch.mappedFilesIntact()).toBe(true);
  truncateSync(path, 4096);
  using sum = torch.sum(tensor);
  expect(sum.item()).toBeLessThan(2048);
  expect(torch.mappedFilesIntact()).toBe(false);
});
