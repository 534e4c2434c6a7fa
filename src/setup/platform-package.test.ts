import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { required } from "../util/elements.ts";
import { readSetup } from "./manifest.ts";
import { nothingToLoad } from "./nothing-to-load.ts";
import { checkGlibc, checkPackage, findPlatformPackage, thisPlatform } from "./platform-package.ts";
import { installTiny } from "./testing/platform-packages.ts";

let scratch: ReturnType<typeof temporaryFolder>;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  scratch = temporaryFolder();
  env = { XDG_CACHE_HOME: join(scratch.path, "cache") };
});
afterEach(() => scratch.remove());

const install = (changes = {}) => installTiny(scratch.path, thisPlatform, changes);
const found = (root: string) => required(findPlatformPackage(root), "the package");
const setupError = (parts: Record<string, unknown>) => expect.objectContaining({ code: "setup", ...parts });

test("the package of this platform is found and loaded from, without compiling; nothing is written", () => {
  const { root, folder } = install();
  expect(readSetup({ root, env })).toMatchObject({
    libtorch: folder,
    version: "2.11.0+cpu",
    from: "package",
    addon: join(folder, "lib", "scalora.node"),
  });
  expect(existsSync(env["XDG_CACHE_HOME"] ?? "")).toBe(false);
});

test("SCALORA_LIBTORCH comes before the package", () => {
  const { root } = install();
  expect(readSetup({ root, env: { ...env, SCALORA_LIBTORCH: scratch.path } })).toBeUndefined();
});

test("without a package there is none; in a clone, neither is one that was made from other sources", () => {
  const { root, folder } = install();
  mkdirSync(join(root, "scripts"));
  expect(findPlatformPackage(root)).toBeDefined();
  writeFileSync(join(root, "native", "a.cpp"), "int b;");
  expect(findPlatformPackage(root)).toBeUndefined();
  rmSync(join(root, "scripts"), { recursive: true });
  expect(() => findPlatformPackage(root)).toThrow(
    setupError({ what: expect.stringContaining("another build"), found: expect.stringContaining(root) }),
  );
  rmSync(folder, { recursive: true });
  expect(findPlatformPackage(root)).toBeUndefined();
});

test("a package of another version is refused, and both versions are named", () => {
  const { root } = install({ scalora: "1.2.2" });
  expect(() => findPlatformPackage(root)).toThrow(
    setupError({
      what: expect.stringContaining("another version"),
      found: expect.stringMatching(/version 1\.2\.2 in .*; scalora is 1\.2\.3/),
      fix: expect.stringContaining(`npm install scalora@1.2.3 @scalora/${thisPlatform}@1.2.3`),
    }),
  );
});

test.each([
  ["is missing", (file: string) => rmSync(file), "lib/libtorch_cpu.so is missing"],
  [
    "is cut short",
    (file: string) => writeFileSync(file, "a lib"),
    "lib/libtorch_cpu.so has 5 bytes instead of 9",
  ],
  [
    "has a byte changed",
    (file: string) => writeFileSync(file, "a librarY"),
    "lib/libtorch_cpu.so has the SHA-256",
  ],
])("a package of which a file %s is refused, and the file named", (_name, damage, text) => {
  const { root, folder } = install();
  damage(join(folder, "lib", "libtorch_cpu.so"));
  expect(() => checkPackage(found(root), { env })).toThrow(
    setupError({ what: expect.stringContaining("is damaged"), found: expect.stringContaining(text) }),
  );
});

test("what was checked is remembered until a file changes; a thorough check asks nobody", () => {
  const { root, folder } = install();
  const file = join(folder, "lib", "libtorch_cpu.so");
  const packed = new Date("2026-01-01");
  utimesSync(file, packed, packed);
  checkPackage(found(root), { env });
  writeFileSync(file, "a librarY");
  utimesSync(file, packed, packed);
  checkPackage(found(root), { env });
  expect(() => checkPackage(found(root), { env, isThorough: true })).toThrow(setupError({}));
  utimesSync(file, packed, new Date());
  expect(() => checkPackage(found(root), { env })).toThrow(setupError({}));
});

test("a cache that cannot be written does no harm", () => {
  const { root } = install();
  writeFileSync(env["XDG_CACHE_HOME"] ?? "", "");
  checkPackage(found(root), { env });
  checkPackage(found(root), { env });
});

test("a damaged list of files is refused", () => {
  const { root, folder } = install();
  const good: unknown = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  const changes = [
    { files: {} },
    { files: { "lib/scalora.node": { bytes: 1 } } },
    { glibc: 2.28 },
    { native: null },
  ];
  const texts = changes.map((change) => JSON.stringify(Object.assign({}, good, change)));
  for (const text of ["{ cut sh", "{}", ...texts]) {
    writeFileSync(join(folder, "manifest.json"), text);
    expect(() => findPlatformPackage(root)).toThrow(
      setupError({ found: expect.stringContaining("manifest.json: ") }),
    );
  }
});

test("a glibc that is too old is named, with the one that is needed", () => {
  const { root } = install({ glibc: "99.1" });
  if (process.platform === "linux")
    expect(() => checkPackage(found(root), { env })).toThrow(
      setupError({ what: expect.stringContaining("needs glibc 99.1 or newer") }),
    );
  expect(() => checkGlibc("p", "2.28", "2.27")).toThrow(setupError({ found: "glibc 2.27" }));
  checkGlibc("p", "2.28", "2.28");
  checkGlibc("p", undefined, "2.17");
});

test("where there is no package for the platform, the error says which there are and how to compile", () => {
  const { root } = install();
  const error = nothingToLoad({ root, platform: "haiku-x64" });
  expect(error).toMatchObject({
    what: "there is no prebuilt package of scalora for haiku-x64",
    found: expect.stringContaining(`${thisPlatform}, plan9-mips`),
    fix: expect.stringMatching(/SCALORA_LIBTORCH=DIR npx scalora setup, with a C\+\+20 compiler/),
  });
});

test("where npm left the package out, or Linux has another C library, the error says so", () => {
  const { root } = installTiny(scratch.path, "linux-x64");
  expect(nothingToLoad({ root, platform: "linux-x64", isMusl: false })).toMatchObject({
    what: "@scalora/linux-x64 is not installed",
    fix: expect.stringContaining("npm install @scalora/linux-x64@1.2.3"),
  });
  expect(nothingToLoad({ root, platform: "linux-x64", isMusl: true }).what).toContain("linux-x64 with musl");
});

test("where SCALORA_LIBTORCH names a libtorch that is not set up, that is said, not that a package is missing", () => {
  const { root } = install();
  const error = nothingToLoad({ root, env: { SCALORA_LIBTORCH: "/my/libtorch" } });
  expect(error).toMatchObject({
    what: expect.stringContaining("SCALORA_LIBTORCH names is not set up"),
    found: "/my/libtorch",
    fix: expect.stringContaining("npx scalora setup"),
  });
});

test("a clone, which asks for no packages, is told to set up", () => {
  const { root } = install();
  writeFileSync(join(root, "package.json"), JSON.stringify({ version: "1.2.3" }));
  expect(nothingToLoad({ root }).message).toContain("run `npx scalora setup` once");
});
