import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { processor } from "./processor.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

/** A file such as /proc/cpuinfo, with a block of fields for each core. */
const cpuinfo = (...cores: Record<string, string>[]) => {
  const file = join(scratch.path, "cpuinfo");
  const blocks = cores.map((core, i) => Object.entries({ processor: String(i), ...core }));
  const text = blocks.map((fields) => fields.map(([name, value]) => `${name}\t: ${value}\n`).join(""));
  writeFileSync(file, text.join("\n"));
  return processor(file);
};

const epyc = { vendor_id: "AuthenticAMD", "cpu family": "25", "model name": "AMD EPYC", stepping: "1" };
const graviton = { "CPU implementer": "0x41", "CPU architecture": "8", "CPU variant": "0x1" };

test("two generations of one name are told apart, a second core of the same kind adds nothing", () => {
  const zen4 = { ...epyc, model: "17", flags: "fpu avx512f avx512_bf16" };
  expect(cpuinfo(zen4, zen4)).toEqual({ name: "AMD EPYC (AuthenticAMD 25 17 1)", hasBfloat16: true });
  const zen3 = { ...epyc, model: "1", flags: "fpu avx2" };
  expect(cpuinfo(zen3)).toEqual({ name: "AMD EPYC (AuthenticAMD 25 1 1)", hasBfloat16: false });
});

test("Arm has other fields, and cores of several kinds", () => {
  const small = { ...graviton, "CPU part": "0xd05", Features: "fp asimd" };
  const large = { ...graviton, "CPU part": "0xd4f", Features: "fp asimd bf16" };
  const both = cpuinfo(large, small, small);
  expect(both.name).toMatch(/\(0x41 8 0x1 0xd05, 0x41 8 0x1 0xd4f\)$/);
  expect(both.hasBfloat16).toBe(false);
  expect(cpuinfo(large, large).hasBfloat16).toBe(true);
});

test("where the system has no such file, the name is Node's, and bfloat16 is not known", () => {
  const name = cpus()[0]?.model ?? "unknown";
  expect(processor(join(scratch.path, "none"))).toEqual({ name, hasBfloat16: undefined });
  expect(cpuinfo({ isa: "rv64gc" })).toEqual({ name, hasBfloat16: undefined });
});
