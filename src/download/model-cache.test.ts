import { expect, test } from "vitest";
import { downloadHint } from "./model-cache.ts";

test("a path into a folder of models is not taken for an ID of the hub", () => {
  for (const path of ["models/gemma-3-12b-pt", "model/x", "checkpoints/a/b"])
    expect(downloadHint(path)).toMatch(
      new RegExp(`^${path} does not exist: \`npx scalora get OWNER/NAME\` fetches `),
    );
  expect(downloadHint("maker/small")).toMatch(/^`npx scalora get maker\/small` fetches it/);
  expect(downloadHint("nowhere")).toBeUndefined();
});
