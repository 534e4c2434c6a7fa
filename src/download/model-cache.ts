import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { cacheFolder } from "../setup/paths.ts";
import { expandHome } from "../util/expand-home.ts";
import { nearestName, normaliseName } from "../util/nearest-name.ts";
import { type ListedModel, listedModels } from "./listed-models.ts";

/** A model of the Hugging Face hub: `owner/name`, or one GGUF file of it, `owner/name/file.gguf`. */
export interface HubId {
  readonly repo: string;
  readonly file?: string;
}

/** Parses an ID of the hub; undefined for any other text. */
export function parseHubId(text: string): HubId | undefined {
  const match = /^([\w.-]+\/[\w.-]+)(?:\/([\w./-]+\.gguf))?$/.exec(text);
  const [, repo, file] = match ?? [];
  if (repo === undefined || /(^|\/)\.{1,2}(\/|$)|--/.test(text)) return undefined;
  return { repo, ...(file !== undefined && { file }) };
}

/** Path of a listed model's file, whether it exists or not. */
export const listedModelPath = ({ name, file }: ListedModel, env = process.env): string =>
  join(cacheFolder(env), "models", name, file);

/** The hub's home folder, by its own tools' rules. */
export const hubHome = (env = process.env): string =>
  env["HF_HOME"] || join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "huggingface");

/** The hub's cache, shared with its own tools. */
export const hubCache = (env = process.env): string =>
  env["HF_HUB_CACHE"] || env["HUGGINGFACE_HUB_CACHE"] || join(hubHome(env), "hub");

/** The folder of a hub model in the cache. */
export const hubFolder = ({ repo }: HubId, env = process.env): string =>
  join(hubCache(env), `models--${repo.replace("/", "--")}`);

/** The snapshots of a model: that of refs/main first, then the newest. */
function listSnapshots(id: HubId, env: NodeJS.ProcessEnv): string[] {
  const folder = hubFolder(id, env);
  const main = readTextIfPresent(join(folder, "refs", "main"))?.trim();
  return listFolder(join(folder, "snapshots"))
    .map((name) => ({ path: join(folder, "snapshots", name), isMain: name === main }))
    .map((snapshot) => ({
      ...snapshot,
      time: statSync(snapshot.path, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort((a, b) => Number(b.isMain) - Number(a.isMain) || b.time - a.time)
    .map(({ path }) => path);
}

/** Whether a folder has a model's config and all weight files. */
export function isCompleteModel(folder: string): boolean {
  if (!existsSync(join(folder, "config.json"))) return false;
  const index = readTextIfPresent(join(folder, "model.safetensors.index.json"));
  if (index === undefined) return existsSync(join(folder, "model.safetensors"));
  const shards = indexedShards(index);
  return shards.length > 0 && shards.every((name) => existsSync(join(folder, name)));
}

/** The shards in an index of weights; none where it cannot be read. */
function indexedShards(index: string): string[] {
  try {
    const { weight_map }: { weight_map?: Record<string, unknown> } = JSON.parse(index);
    return [...new Set(Object.values(weight_map ?? {}).map(String))];
  } catch {
    return [];
  }
}

/** A downloaded hub model: the folder of a complete model, or the GGUF file. */
function hubPath(id: HubId, env: NodeJS.ProcessEnv): string | undefined {
  const { file } = id;
  const snapshots = listSnapshots(id, env);
  if (file === undefined) return snapshots.find(isCompleteModel);
  return snapshots.map((snapshot) => join(snapshot, file)).find((path) => existsSync(path));
}

function readTextIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The entries of a folder, with subfolders where `recursive`; none where it cannot be read. */
function listFolder(path: string, { recursive = false } = {}): string[] {
  try {
    return readdirSync(path, { encoding: "utf8", recursive });
  } catch {
    return [];
  }
}

/** Size of a file in bytes; undefined where it does not exist. */
export const fileSize = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;

/**
 * Path of a downloaded model, by its name or its ID on the hub; undefined when it has not been downloaded. A listed model may be
 * there as its file, or as the folder that the hub has of it.
 */
export function cachedModelPath(name: string, env = process.env): string | undefined {
  const listed = listedModels.find((model) => model.name === name);
  if (listed !== undefined) {
    const path = listedModelPath(listed, env);
    return fileSize(path) === listed.bytes ? path : hubPath({ repo: listed.hub }, env);
  }
  const id = parseHubId(name);
  return id === undefined ? undefined : hubPath(id, env);
}

/** Resolves a model path: an existing path is itself; else the downloaded model of that name or ID; else the path itself. */
export function modelPath(given: string, cwd = process.cwd()): string {
  const path = expandHome(given);
  return existsSync(resolve(cwd, path)) ? path : (cachedModelPath(path) ?? path);
}

/** Folders that models are kept in: no owners on the hub. */
const modelFolders = /^(models?|checkpoints?|outputs?)\//;

/** Whether a text that does not exist can only be meant as a path: no ID of the hub begins, ends or is nested like that. */
function isPath(text: string, cwd: string): boolean {
  const [first = "", ...rest] = text.split(/[/\\]/);
  if (/^[./~\\]|^[a-z]:[/\\]|[/\\]$/i.test(text) || modelFolders.test(text)) return true;
  return rest.length > 0 && (parseHubId(text) === undefined || existsSync(resolve(cwd, first)));
}

/** How to fetch a model of the list; nothing where it is there. */
function fetchingHint(name: string, env: NodeJS.ProcessEnv): string[] {
  return cachedModelPath(name, env) === undefined ? [`\`npx scalora get ${name}\` fetches it`] : [];
}

/** The first name that begins like this, at least by a word of four letters. */
function beginningWith(start: string, names: readonly string[]): string | undefined {
  const wanted = normaliseName(start);
  return wanted.length < 4 ? undefined : names.find((name) => normaliseName(name).startsWith(wanted));
}

/** Advice for a model that is neither a path nor downloaded. */
export function downloadHint(name: string, { cwd = process.cwd(), env = process.env } = {}): string {
  if (/(^|[/\\])runs[/\\]/.test(name)) return "`npx scalora ls runs` lists the runs";
  const names = listedModels.map((model) => model.name);
  if (isPath(name, cwd)) {
    const last = normaliseName(basename(name.replaceAll("\\", "/")).replace(/\.gguf$/i, ""));
    const listed = names.find((each) => normaliseName(each) === last);
    return listed === undefined
      ? "put the model's folder there or mend the path; `npx scalora get OWNER/NAME` fetches a model of the Hugging Face hub, and OWNER/NAME then goes in the path's place"
      : [`that model's name goes in the path's place: ${listed}`, ...fetchingHint(listed, env)].join("; ");
  }
  if (names.includes(name)) return `\`npx scalora get ${name}\` fetches it`;
  if (parseHubId(name) !== undefined)
    return `\`npx scalora get ${name}\` fetches it, if it is a model's name`;
  const near = nearestName(name, names) ?? beginningWith(name, names);
  return near === undefined
    ? "`npx scalora get` lists models, and fetches one by its name there or on the Hugging Face hub (OWNER/NAME)"
    : [`did you mean ${near}?`, ...fetchingHint(near, env)].join(" ");
}

/** The hub models in the cache, and the GGUF files, each with its ID. */
export function cachedHubModels(env = process.env): { id: string; path: string }[] {
  return listFolder(hubCache(env)).flatMap((name) => {
    const match = /^models--(.+?)--(.+)$/.exec(name);
    if (match === null) return [];
    const repo = `${match[1]}/${match[2]}`;
    const files = listSnapshots({ repo }, env)
      .flatMap((snapshot) => listFolder(snapshot, { recursive: true }))
      .filter((file) => file.endsWith(".gguf"));
    return [repo, ...[...new Set(files)].sort().map((file) => `${repo}/${file}`)].flatMap((id) => {
      const path = cachedModelPath(id, env);
      return path === undefined ? [] : [{ id, path }];
    });
  });
}
