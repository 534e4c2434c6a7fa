import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { packageRoot } from "../setup/paths.ts";

/** The content of a JSON file in `assets/quickstart`, read on first use. */
export function lazyAsset<T>(name: string, schema: z.ZodType<T>): () => T {
  let content: T | undefined;
  return () => {
    content ??= schema.parse(
      JSON.parse(readFileSync(join(packageRoot, "assets", "quickstart", name), "utf8")),
    );
    return content;
  };
}
