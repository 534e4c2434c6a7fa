import { messageOf, ScaloraError } from "../util/errors.ts";
import { parseYaml } from "../util/parse-yaml.ts";
import { readFileText } from "../util/read-file.ts";

/** A longer text is no recipe. */
const maxBytes = 1 << 22;

/**
 * The recipe of a run, as its folder's `config.yaml` has it: any value of YAML.
 * @throws ScaloraError `format` for a file that cannot be read, or is damaged
 */
export function readRecordedRecipe(path: string): unknown {
  return refusing(path, () => parseYaml(readFileText(path, maxBytes)).value);
}

/** The same of the file's text. */
export function parseRecordedRecipe(text: string, path: string): unknown {
  return refusing(path, () => parseYaml(text).value);
}

function refusing<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ScaloraError("format", "The recipe of a run cannot be read", {
      where: path,
      found: messageOf(cause),
      fix: "restore the file from a copy of the run's folder",
      cause,
    });
  }
}
