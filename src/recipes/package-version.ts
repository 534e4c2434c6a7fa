import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../setup/paths.ts";
import { isRecord } from "../util/json.ts";

/** The version in package.json. */
export function packageVersion(): string {
  const description: unknown = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  return isRecord(description) ? String(description["version"]) : "";
}
