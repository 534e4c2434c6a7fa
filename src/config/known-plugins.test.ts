import { chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { isKnownPlugin, rememberPlugin } from "./known-plugins.ts";

const plugin = fileURLToPath(new URL("../../examples/input-gain/input-gain.ts", import.meta.url));
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);

test("a plug-in is known by notes of one's own, or where the environment says so", () => {
  const env = process.env["XDG_CACHE_HOME"];
  onTestFinished(() => {
    if (env === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = env;
  });
  process.env["XDG_CACHE_HOME"] = at("cache");
  expect(isKnownPlugin(plugin)).toBe(false);
  expect(isKnownPlugin(plugin, { SCALORA_TRUST_RUN_PLUGINS: "1" })).toBe(true);
  rememberPlugin(plugin);
  expect(isKnownPlugin(plugin)).toBe(true);
  const notes = at("cache", "scalora", "plugins");
  const [note = ""] = readdirSync(notes);
  if (process.getuid?.() === 0) {
    chownSync(join(notes, note), 12_345, 12_345);
    expect(isKnownPlugin(plugin)).toBe(false);
  }
  // One that was renamed, of another plug-in.
  writeFileSync(join(notes, note), `${"0".repeat(64)}\n`);
  if (process.getuid?.() === 0) chownSync(join(notes, note), 0, 0);
  expect(isKnownPlugin(plugin)).toBe(false);
  rmSync(join(notes, note));
  mkdirSync(join(notes, note));
  expect(isKnownPlugin(plugin)).toBe(false);
  // Where no note can be written, nothing is known, and nothing fails.
  process.env["XDG_CACHE_HOME"] = plugin;
  rememberPlugin(plugin);
  expect(isKnownPlugin(plugin)).toBe(false);
});
