import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { cannotWrite } from "../util/cannot-write.ts";
import { ScaloraError } from "../util/errors.ts";
import { makeFolders, removeEmptyFolders } from "../util/files.ts";
import { writeOutputFile } from "../util/output-file.ts";
import { statsOf } from "../util/read-file.ts";
import type { ChatSetup } from "./chat-setup.ts";
import { type ExportedFiles, nodeChatProgram } from "./node-chat-program.ts";
import { ollamaModelfile } from "./ollama-modelfile.ts";

/** A file beside an export, which is written with it. */
interface ChatFile {
  readonly path: string;
  readonly content: string;
}

/**
 * The files with which an exported GGUF file is used: a program for node-llama-cpp and a Modelfile for Ollama, in its folder.
 * They are called chat.mjs and Modelfile, or, where there are others of these names, after the GGUF file: nothing that is
 * there is overwritten.
 * @param out path of the GGUF file
 * @param base path of the model, where `out` is an adapter
 * @throws ScaloraError `usage` where all names are taken, or files of an earlier export of that name hold something else
 */
export function chatFiles(out: string, base: string | undefined, setup: ChatSetup): ChatFile[] {
  const folder = dirname(out);
  const title = basename(out, ".gguf");
  const files: ExportedFiles =
    base === undefined ? { model: basename(out) } : { model: pathFrom(folder, base), adapter: basename(out) };
  const make = (prefix: string): ChatFile[] => {
    const [program, modelfile] = [`${prefix}chat.mjs`, `${prefix}Modelfile`];
    return [
      { path: join(folder, program), content: nodeChatProgram(program, files, setup) },
      {
        path: join(folder, modelfile),
        content: ollamaModelfile({ name: modelfile, program, title, files }, setup),
      },
    ];
  };
  const candidates = [make(""), make(`${title}.`)];
  const stale = candidates.flat().filter((file) => !isFree(file) && isOfSameExport(file));
  if (stale.length > 0) throw staleFilesError(folder, basename(out), stale);
  const free = candidates.find((pair) => pair.every(isFree));
  if (free !== undefined) return free;
  throw new ScaloraError("usage", "The folder has other files where those of this export would go", {
    where: folder,
    found: candidates
      .flat()
      .flatMap((file) => (isFree(file) ? [] : basename(file.path)))
      .join(", "),
    fix: "choose another folder, or another name for the GGUF file",
  });
}

/** Whether nothing is there, or what would be written. */
const isFree = ({ path, content }: ChatFile) => !existsSync(path) || textAt(path) === content;

/** Whether it was written for a GGUF file of the same name, which its first line says. */
const isOfSameExport = ({ path, content }: ChatFile) =>
  textAt(path)?.startsWith(content.slice(0, content.indexOf("\n") + 1)) ?? false;

/** The text of a file; undefined for a folder and the like. */
const textAt = (path: string) => (statsOf(path)?.isFile() ? readFileSync(path, "utf8") : undefined);

function staleFilesError(folder: string, model: string, files: readonly ChatFile[]): ScaloraError {
  return new ScaloraError(
    "usage",
    `The folder has files of an earlier ${model}, which ask it in another way`,
    {
      where: folder,
      found: files.map(({ path }) => basename(path)).join(", "),
      fix: "remove or rename them (they may have been edited), or choose another name for the GGUF file",
    },
  );
}

/** Relative, with forward slashes, where the folder can be copied together with what the path names. */
function pathFrom(folder: string, path: string): string {
  const way = relative(folder, path);
  return way.startsWith("..") || isAbsolute(way) ? path : way.replaceAll("\\", "/");
}

/**
 * Writes files, then what they belong to; when that is not there in the end, none of those that were not there before stays.
 * @param write writes `out`
 * @returns what `write` returns
 */
export async function writeTogether<T>(
  files: readonly ChatFile[],
  out: string,
  write: () => T | Promise<T>,
): Promise<T> {
  const added = files.filter(({ path }) => !existsSync(path));
  const folders = makeOutputFolders(dirname(out));
  try {
    for (const { path, content } of added) writeOutputFile(path, content);
    return await write();
  } catch (error) {
    if (existsSync(out)) throw error;
    for (const { path } of added) rmSync(path, { force: true });
    removeEmptyFolders(folders);
    throw error;
  }
}

/** @returns the folders that were made */
function makeOutputFolders(folder: string): string[] {
  try {
    return makeFolders(folder);
  } catch (cause) {
    throw cannotWrite("Cannot make the folder of the export", folder, {
      cause,
      otherwise: "choose another place",
    });
  }
}
