import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { cacheFolder } from "../../scripts/setup/locate.mjs";
import { type ListedModel, listedModels } from "./models.js";

/** A model of the Hugging Face hub: `owner/name`, or one GGUF file of it, `owner/name/file.gguf`. */
export interface HubId {
  readonly repo: string;
  readonly file?: string;
}

/** Reads an ID of the hub; undefined for any other text. */
export function hubId(text: string): HubId | undefined {
  const match = /^([\w.-]+\/[\w.-]+)(?:\/([\w./-]+\.gguf))?$/.exec(text);
  if (match === null || /(^|\/)\.{1,2}(\/|$)|--/.test(text)) return undefined;
  const [, repo, file] = match;
  return { repo, ...(file !== undefined && { file }) };
}

/** Where a listed model's file is, or would be. */
export const listedPath = ({ name, file }: ListedModel, env = process.env): string =>
  join(cacheFolder(env), "models", name, file);

/** The hub's home folder, as its own tools find it. */
export const hubHome = (env = process.env): string =>
  env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");

/** The hub's cache, as its own tools find it: what they have fetched is found here, and the other way round. */
export const hubCache = (env = process.env): string =>
  env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(hubHome(env), "hub");

/** The cache's folder of a model of the hub. */
export const hubFolder = ({ repo }: HubId, env = process.env): string =>
  join(hubCache(env), `models--${repo.replace("/", "--")}`);

/** What has been fetched of a model of the hub: the folder of its newest snapshot, or the file. */
function hubPath(id: HubId, env: NodeJS.ProcessEnv): string | undefined {
  const folder = hubFolder(id, env);
  let commit: string;
  try {
    commit = readFileSync(join(folder, "refs", "main"), "utf8").trim();
  } catch {
    return undefined;
  }
  const snapshot = join(folder, "snapshots", commit);
  const needed = join(snapshot, id.file ?? "config.json");
  if (!existsSync(needed)) return undefined;
  return id.file === undefined ? snapshot : needed;
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;

/** Where a fetched model is, by its name or its ID on the hub; undefined when it has not been fetched. */
export function fetchedModel(name: string, env = process.env): string | undefined {
  const listed = listedModels.find((model) => model.name === name);
  if (listed !== undefined) {
    const path = listedPath(listed, env);
    return sizeOf(path) === listed.bytes ? path : undefined;
  }
  const id = hubId(name);
  return id === undefined ? undefined : hubPath(id, env);
}

/** What a model's path means: itself, where something is there; else a fetched model of that name; else itself again. */
export function modelPath(path: string, cwd = process.cwd()): string {
  return existsSync(resolve(cwd, path)) ? path : (fetchedModel(path) ?? path);
}

/** What a person can do about a model that is neither a path nor fetched; undefined where its name is none. */
export function getHint(name: string): string | undefined {
  const isName = listedModels.some((model) => model.name === name) || hubId(name) !== undefined;
  return isName ? `\`npx scalora get ${name}\` fetches it, if it is a model's name` : undefined;
}

/** The models of the hub that are in its cache. */
export function fetchedFromHub(env = process.env): { id: string; path: string }[] {
  let names: string[];
  try {
    names = readdirSync(hubCache(env));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const match = /^models--(.+?)--(.+)$/.exec(name);
    if (match === null) return [];
    const id = `${match[1]}/${match[2]}`;
    const path = fetchedModel(id, env);
    return path === undefined ? [] : [{ id, path }];
  });
}
