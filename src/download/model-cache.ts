import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { cacheFolder } from "../setup/locate.ts";
import { nearestName } from "../util/nearest-name.ts";
import { type ListedModel, listedModels } from "./listed-models.ts";

/** A model of the Hugging Face hub: `owner/name`, or one GGUF file of it, `owner/name/file.gguf`. */
export interface HubId {
  readonly repo: string;
  readonly file?: string;
}

/** Reads an ID of the hub; undefined for any other text. */
export function parseHubId(text: string): HubId | undefined {
  const match = /^([\w.-]+\/[\w.-]+)(?:\/([\w./-]+\.gguf))?$/.exec(text);
  const [, repo, file] = match ?? [];
  if (repo === undefined || /(^|\/)\.{1,2}(\/|$)|--/.test(text)) return undefined;
  return { repo, ...(file !== undefined && { file }) };
}

/** Where a listed model's file is, or would be. */
export const listedModelPath = ({ name, file }: ListedModel, env = process.env): string =>
  join(cacheFolder(env), "models", name, file);

/** The hub's home folder, as its own tools find it. */
export const hubHome = (env = process.env): string =>
  env["HF_HOME"] || join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "huggingface");

/** The hub's cache, as its own tools find it: what they have fetched is found here, and the other way round. */
export const hubCache = (env = process.env): string =>
  env["HF_HUB_CACHE"] || env["HUGGINGFACE_HUB_CACHE"] || join(hubHome(env), "hub");

/** The cache's folder of a model of the hub. */
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

/** Whether a folder has a model's config and all of its weights. */
export function isCompleteModel(folder: string): boolean {
  if (!existsSync(join(folder, "config.json"))) return false;
  const index = readTextIfPresent(join(folder, "model.safetensors.index.json"));
  if (index === undefined) return existsSync(join(folder, "model.safetensors"));
  const shards = indexedShards(index);
  return shards.length > 0 && shards.every((name) => existsSync(join(folder, name)));
}

/** The files that an index of weights names; none where it cannot be read. */
function indexedShards(index: string): string[] {
  try {
    const { weight_map }: { weight_map?: Record<string, unknown> } = JSON.parse(index);
    return [...new Set(Object.values(weight_map ?? {}).map(String))];
  } catch {
    return [];
  }
}

/** What has been fetched of a model of the hub: the folder of a whole model, or the file. */
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

/** What a folder holds, also below it where `recursive`; nothing where it cannot be read. */
function listFolder(path: string, { recursive = false } = {}): string[] {
  try {
    return readdirSync(path, { encoding: "utf8", recursive });
  } catch {
    return [];
  }
}

/** Bytes of a file; undefined where there is none. */
export const fileSize = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;

/** Where a fetched model is, by its name or its ID on the hub; undefined when it has not been fetched. */
export function cachedModelPath(name: string, env = process.env): string | undefined {
  const listed = listedModels.find((model) => model.name === name);
  if (listed !== undefined) {
    const path = listedModelPath(listed, env);
    return fileSize(path) === listed.bytes ? path : undefined;
  }
  const id = parseHubId(name);
  return id === undefined ? undefined : hubPath(id, env);
}

/** What a model's path means: itself, where something is there; else a fetched model of that name; else itself again. */
export function modelPath(path: string, cwd = process.cwd()): string {
  return existsSync(resolve(cwd, path)) ? path : (cachedModelPath(path) ?? path);
}

/** What a person can do about a model that is neither a path nor fetched; undefined where its name is like none. */
export function downloadHint(name: string): string | undefined {
  const names = listedModels.map((model) => model.name);
  if (names.includes(name) || parseHubId(name) !== undefined)
    return `\`npx scalora get ${name}\` fetches it, if it is a model's name`;
  const near = nearestName(name, names);
  return near === undefined ? undefined : `did you mean ${near}? \`npx scalora get ${near}\` fetches it`;
}

/** The models of the hub that are in its cache, and the GGUF files, each by the name that finds it. */
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
