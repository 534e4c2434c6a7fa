// The table of folders in docs/architecture.md: which rooms there are, and what each may import.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";

const tablePath = "docs/architecture.md";

/** A folder that may be imported, of it perhaps only the types. */
export interface Permission {
  folder: string;
  typesOnly: boolean;
}

export interface Row {
  /** Such as `src/train`, or `src/adapters/*` for each folder of `src/adapters`. */
  folder: string;
  permissions: Permission[];
}

/** A folder (or the file `src/index.ts`) that is one thing in the table, and what it may import. */
export interface Room {
  folder: string;
  permissions: Permission[];
}

/** Rows such as "| `src/train` | what it holds | torch, adapters/core, config (types) |". */
export function readTable(): Row[] {
  const rows: Row[] = [];
  for (const line of readFileSync(join(packageRoot, tablePath), "utf8").split("\n")) {
    const match = /^\| `(src\/[^`]+)` \|.*\| ([^|]+) \|$/.exec(line);
    const [, folder, cell] = match ?? [];
    if (folder === undefined || cell === undefined) continue;
    const names = cell === "—" ? [] : cell.split(",").map((name) => name.trim());
    rows.push({ folder, permissions: names.map(permission) });
  }
  if (rows.length === 0) throw new Error(`${tablePath} has no table of folders`);
  return rows;
}

function permission(name: string): Permission {
  const folder = name.replace(/ \(types\)$/, "");
  return { folder: `src/${folder}`, typesOnly: folder !== name };
}

/** The room of a file: by the row with the longest folder that it lies under, one named in full before one with a star. */
export function roomOf(file: string, rows: Row[]): Room | undefined {
  let found: Room | undefined;
  for (const { folder, permissions } of rows) {
    const room = folder.endsWith("/*") ? folderBelow(file, folder.slice(0, -2)) : folder;
    if (room === undefined || !isUnder(file, room)) continue;
    const isBetter = found === undefined || room.length > found.folder.length;
    if (isBetter || (room === found?.folder && room === folder)) found = { folder: room, permissions };
  }
  return found;
}

/** The folder right below `parent` in which a file lies; undefined when it lies elsewhere, or in `parent` itself. */
function folderBelow(file: string, parent: string): string | undefined {
  if (!file.startsWith(`${parent}/`)) return undefined;
  const [name, ...rest] = file.slice(parent.length + 1).split("/");
  return rest.length === 0 ? undefined : `${parent}/${name}`;
}

/** A folder's own name stands for `folder.ts` too. */
function isUnder(file: string, folder: string): boolean {
  return file.startsWith(`${folder}/`) || file === `${folder}.ts`;
}

/** The paths of tests, and of what only they use, as a regular expression. */
export const testFile = "\\.test\\.ts$|/testing/";
