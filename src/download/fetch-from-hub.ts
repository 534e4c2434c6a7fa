import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ListFileEntry } from "@huggingface/hub";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { writeFileAtomic } from "../util/files.ts";
import { formatBytes } from "../util/format.ts";
import type { DownloadHooks } from "./download-hooks.ts";
import { fetchFile } from "./fetch-hub-file.ts";
import { type HubAccess, hubAccess } from "./hub-access.ts";
import { hubError } from "./hub-errors.ts";
import { cachedModelPath, type HubId, hubCache, hubFolder, isCompleteModel } from "./model-cache.ts";

/** Weight files in the transformers layout; not those of adapters, of other precisions or of the maker's own programs. */
const weightFilePattern = /^model(-\d+-of-\d+)?\.safetensors$/;

/** The other files of a model; weights in other formats are not downloaded. */
const otherFilePattern =
  /^((?!adapter_)[\w-]*config\.json|model\.safetensors\.index\.json|(tokenizer|special_tokens_map|added_tokens|vocab)\.json|[\w.-]*\.model|merges\.txt|vocab\.txt|chat_template\.(jinja|json)|LICENSE[\w.]*)$/;

/**
 * Downloads a model from the Hugging Face hub into the hub's own cache, where other tools find it. Interrupted downloads are
 * resumed; each file is checked by size and hash.
 * @returns the snapshot's folder, or the GGUF file of the ID
 * @throws ScaloraError `run` when the hub cannot be reached, the connection breaks or a file is wrong; `usage` when the model
 * does not exist or access is denied
 */
export async function fetchFromHub(id: HubId, name: string, hooks: DownloadHooks): Promise<string> {
  const { env = process.env } = hooks;
  // As the hub's own tools read it.
  if (/^(1|true|yes|on)$/i.test(env["HF_HUB_OFFLINE"] ?? "")) {
    const found = cachedModelPath(name, env);
    if (found !== undefined) return found;
    throw new ScaloraError("run", `${name} has not been fetched, and HF_HUB_OFFLINE is set`, {
      where: hubFolder(id, env),
      fix: "unset HF_HUB_OFFLINE, or bring the model's folder by hand and name its path",
    });
  }
  const access = hubAccess(env, hooks);
  try {
    return await fetchSnapshot(id, access, hooks);
  } catch (error) {
    hooks.signal?.throwIfAborted();
    if (error instanceof ScaloraError) throw error;
    throw hubError(error, name, { repo: id.repo, endpoint: access.hubUrl, cache: hubCache(env) });
  }
}

async function fetchSnapshot(id: HubId, access: HubAccess, hooks: DownloadHooks): Promise<string> {
  const { listFiles, modelInfo } = await import("@huggingface/hub");
  const { sha } = await modelInfo({
    ...access,
    name: id.repo,
    revision: "main",
    additionalFields: ["sha"],
  });
  // It becomes the name of a folder.
  if (!/^[0-9a-f]+$/.test(sha)) throw new Error(`the hub names a commit ${JSON.stringify(sha)}`);
  const repo = { type: "model", name: id.repo } as const;
  const entries: ListFileEntry[] = [];
  for await (const entry of listFiles({ ...access, repo, revision: sha, recursive: true }))
    entries.push(entry);
  const wanted = chooseFiles(id, entries);
  const folder = hubFolder(id, hooks.env);
  const snapshot = join(folder, "snapshots", sha);
  const total = wanted.reduce((bytes, { size }) => bytes + size, 0);
  let before = 0;
  for (const entry of wanted) {
    const onBytes = (bytes: number) => hooks.onProgress({ done: before + bytes, total, what: entry.path });
    await fetchFile({ repo: id.repo, entry, revision: sha, folder, access }, { ...hooks, onBytes });
    before += entry.size;
  }
  if (id.file === undefined && !isCompleteModel(snapshot)) throw missingShardsError(id, wanted);
  mkdirSync(join(folder, "refs"), { recursive: true });
  writeFileAtomic(join(folder, "refs", "main"), sha);
  return id.file === undefined ? snapshot : join(snapshot, id.file);
}

/** The files of a model, or the one that the ID names. @throws ScaloraError `usage` where there are none */
function chooseFiles(id: HubId, entries: readonly ListFileEntry[]): ListFileEntry[] {
  const files = entries.filter(({ type }) => type === "file");
  const paths = files.map(({ path }) => path);
  const missing = findMissing(paths, id);
  if (missing !== undefined) throw missingModelError(id, missing, files);
  return files.filter(({ path }) =>
    id.file === undefined ? weightFilePattern.test(path) || otherFilePattern.test(path) : path === id.file,
  );
}

/** The required files that a repository lacks; undefined where it lacks none. */
function findMissing(paths: readonly string[], { file }: HubId): string | undefined {
  if (file !== undefined) return paths.includes(file) ? undefined : file;
  if (!paths.some((path) => weightFilePattern.test(path))) return "weights as safetensors";
  return paths.includes("config.json") ? undefined : "config.json";
}

function missingModelError({ repo }: HubId, missing: string, files: readonly ListFileEntry[]): ScaloraError {
  const quantised = files.filter(({ path }) => path.endsWith(".gguf"));
  const sizes = quantised.map(({ path, size }) => `${path} (${formatBytes(size)})`).join(", ");
  const isAdapter = files.some(({ path }) => path === "adapter_config.json");
  const other = isAdapter
    ? "this is an adapter: choose the model that its adapter_config.json names"
    : "choose a model with config.json and model.safetensors (or its shards), or with a GGUF file";
  return new ScaloraError("usage", `${repo} has no ${missing}`, {
    found: quantised.length > 0 ? sizes : files.map(({ path }) => path).join(", "),
    fix:
      quantised.length > 0
        ? `name a file: \`npx scalora get ${repo}/${elementAt(quantised, 0).path}\``
        : other,
  });
}

function missingShardsError({ repo }: HubId, files: readonly ListFileEntry[]): ScaloraError {
  return new ScaloraError("usage", `${repo} does not have all the weights of its model`, {
    expected: "model.safetensors, or model.safetensors.index.json and the files that it names",
    found: files.map(({ path }) => path).join(", "),
    fix: "choose another model",
  });
}
