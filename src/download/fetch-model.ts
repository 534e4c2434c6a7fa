import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";
import type { DownloadHooks } from "./download-hooks.ts";
import { fetchListed } from "./fetch-listed.ts";
import { listedModels } from "./listed-models.ts";
import { parseHubId } from "./model-cache.ts";

/**
 * Downloads a model, by its name in the list or its ID on the Hugging Face hub, into the cache, unless it is there already.
 * @returns the path of its folder or file
 * @throws ScaloraError `usage` for an unknown name; as `fetchListed` and `fetchFromHub`
 */
export async function fetchModel(name: string, hooks: DownloadHooks): Promise<string> {
  const listed = listedModels.find((model) => model.name === name);
  if (listed !== undefined) return fetchListed(listed, hooks);
  const id = parseHubId(name);
  if (id !== undefined) {
    // Imported on demand: its packages are large.
    const { fetchFromHub } = await import("./fetch-from-hub.ts");
    return fetchFromHub(id, name, hooks);
  }
  const names = listedModels.map((model) => model.name);
  const near = nearestName(name, names);
  throw new ScaloraError("usage", `There is no model named ${name}`, {
    expected: `${names.join(", ")}, or an ID of the Hugging Face hub (owner/name)`,
    fix: near === undefined ? "`npx scalora get` lists the models" : `did you mean ${near}?`,
  });
}
