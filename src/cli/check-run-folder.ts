import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";

/** @throws ScaloraError `usage` when a folder holds no run; suggests the sibling run with the nearest name. */
export async function assertRunFolder(folder: string): Promise<void> {
  if (existsSync(join(folder, "config.yaml"))) return;
  const { listRuns } = await import("../run/list-runs.ts");
  const near = nearestName(
    basename(folder),
    listRuns(dirname(folder)).map(({ name }) => name),
  );
  throw new ScaloraError("usage", "This folder holds no run", {
    where: folder,
    expected: "the folder of a run (with config.yaml)",
    found: existsSync(folder) ? "a folder without it" : "no folder",
    fix:
      near === undefined
        ? "`npx scalora ls runs` lists the runs"
        : `did you mean ${join(dirname(folder), near)}?`,
  });
}
