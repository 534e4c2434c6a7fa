import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ListFileEntry } from "@huggingface/hub";
import { ScaloraError } from "../util/errors.ts";
import { withLock } from "../util/locks/process-lock.ts";
import { renameDurably } from "./durable-rename.ts";
import type { HubAccess } from "./hub-access.ts";
import { fileSize } from "./model-cache.ts";

/** A file on the hub, and its model's folder in the cache. */
interface HubFile {
  readonly repo: string;
  readonly entry: ListFileEntry;
  readonly revision: string;
  readonly folder: string;
  readonly access: HubAccess;
}

interface FileHooks {
  readonly signal?: AbortSignal;
  onNote(text: string): void;
  /** Called with the bytes of this file so far. */
  onBytes(bytes: number): void;
}

/** Downloads one file into the cache's blobs, under its hash, and links it from the snapshot. @throws as `fetchFromHub` */
export async function fetchFile(file: HubFile, hooks: FileHooks): Promise<void> {
  const { entry, folder, revision } = file;
  const { path, size, lfs, oid } = entry;
  const name = lfs?.oid ?? oid;
  if (name === undefined || !/^[0-9a-f]+$/.test(name)) throw new Error(`${path} is listed without a hash`);
  if (path.split("/").includes("..")) throw new Error(`the hub lists ${path}`);
  const blob = join(folder, "blobs", name);
  const pointer = join(folder, "snapshots", revision, path);
  const ensurePointer = async () => {
    if (!existsSync(blob)) await fetchBlob(file, blob, hooks);
    if (existsSync(pointer)) return;
    mkdirSync(dirname(pointer), { recursive: true });
    rmSync(pointer, { force: true });
    symlinkSync(relative(dirname(pointer), blob), pointer);
  };
  if (!existsSync(pointer)) {
    const { onNote, signal } = hooks;
    const wait = { onWait: onNote, signal };
    await withLock(`${blob}-lock`, `another download of ${path}`, wait, ensurePointer);
  }
  hooks.onBytes(size);
}

/** Downloads a file, or the rest of it after an interrupted attempt. The caller holds the blob's lock. */
async function fetchBlob({ repo, entry, revision, access }: HubFile, blob: string, hooks: FileHooks) {
  const { downloadFile } = await import("@huggingface/hub");
  const { path, size } = entry;
  const incomplete = `${blob}.incomplete`;
  const existingBytes = fileSize(incomplete) ?? 0;
  const source = await downloadFile({ ...access, repo: { type: "model", name: repo }, path, revision });
  if (source === null) throw new Error(`${path} is listed, and not there`);
  if (existingBytes < size) await appendBytes(source.slice(existingBytes), incomplete, existingBytes, hooks);
  await checkFile(incomplete, entry);
  renameDurably(incomplete, blob);
}

async function appendBytes(
  source: Blob,
  path: string,
  existingBytes: number,
  { signal, onBytes }: FileHooks,
): Promise<void> {
  let bytes = existingBytes;
  const count = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      bytes += piece.length;
      onBytes(bytes);
      yield piece;
    }
  };
  const target = createWriteStream(path, { flags: "a" });
  await pipeline(Readable.from(source.stream()), count, target, { signal });
}

/** Checks size and hash; a wrong file is removed, so that the next attempt starts again. */
async function checkFile(path: string, { path: name, size, lfs, oid }: ListFileEntry): Promise<void> {
  const found = fileSize(path) ?? 0;
  if (found < size) throw new Error(`${name} broke off after ${found} of ${size} bytes`);
  const [kind, expected] = lfs === undefined ? ["git hash", oid] : ["SHA-256", lfs.oid];
  const hash = lfs === undefined ? gitHash(size) : createHash("sha256");
  if (found === size && (await hashOfFile(path, hash)) === expected) return;
  rmSync(path);
  throw new ScaloraError("run", `${name} is not the file that the hub lists`, {
    expected: `${size} bytes, ${kind} ${expected}`,
    found: found === size ? `another ${kind}` : `${found} bytes`,
    fix: "run the command again; where it stays so, the mirror (HF_ENDPOINT) or proxy changes files",
  });
}

/** git's blob hash, started with the header of a file of this size. */
const gitHash = (size: number) => createHash("sha1").update(`blob ${size}\0`);

/** Hash of a file, read in pieces, so that the lock's heartbeat continues. */
async function hashOfFile(path: string, hash: Hash): Promise<string> {
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}
