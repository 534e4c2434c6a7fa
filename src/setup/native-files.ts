import { readdirSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./paths.ts";

/** The `.cpp` and `.h` files under `native/`, sorted, relative to the package. */
export function nativeFiles(root: string = packageRoot): string[] {
  const files: string[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (/\.(cpp|h)$/.test(entry.name)) files.push(path);
    }
  };
  visit("native");
  return files.sort();
}
