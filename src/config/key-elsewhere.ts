import { isNode } from "../schema/json-schema-node.ts";
import { knownAs } from "../schema/other-tool-keys.ts";
import { normaliseName } from "../util/nearest-name.ts";
import { type SectionName, sectionJsonSchema, sectionNames } from "./recipe-sections.ts";

/** The keys of a section, of all methods. */
function keysOfSection(section: SectionName): string[] {
  const root = sectionJsonSchema(section);
  return [root, ...(root.oneOf ?? [])].flatMap((node) =>
    isNode(node) ? Object.keys(node.properties ?? {}) : [],
  );
}

/**
 * Where a recipe has what was written in a wrong place, as `train.lr`, which other tools call `learning_rate`; undefined for what
 * no section knows.
 * @param section where it was written, which is asked for a fix of its own where it knows the key; undefined outside all
 */
export function keyElsewhere(key: string, section?: SectionName): string | undefined {
  if (section !== undefined && knownAs(key, keysOfSection(section)) !== undefined) return undefined;
  const found = sectionNames.flatMap((name) => {
    const known = knownAs(key, keysOfSection(name));
    return known === undefined ? [] : [{ name, known }];
  });
  const spelt = found.find(({ known }) => normaliseName(known) === normaliseName(key));
  const { name, known } = spelt ?? found[0] ?? {};
  return known === undefined ? undefined : `${name}.${known}`;
}
