import { isNode } from "../schema/json-schema-node.ts";
import { knownKeyFinder } from "../schema/other-tool-keys.ts";
import { normaliseName } from "../util/nearest-name.ts";
import { type SectionName, sectionJsonSchema, sectionNames } from "./recipe-sections.ts";

/** Where recipes have the keys of their sections, of all methods. */
export class KeyPlaces {
  private readonly sections = sectionNames.map((name) => ({
    name,
    find: knownKeyFinder(keysOfSection(name)),
  }));

  /**
   * The place of a key that was written in a wrong one, as `train.lr`, which other tools call `learning_rate`; undefined where no
   * other section knows it.
   * @param section where it was written, whose own error has a fix where it knows the key; undefined outside all
   */
  elsewhere(key: string, section?: SectionName): string | undefined {
    const found = this.sections.flatMap(({ name, find }) => {
      const known = find(key);
      return known === undefined ? [] : [{ name, known }];
    });
    if (found.some(({ name }) => name === section)) return undefined;
    const spelt = found.find(({ known }) => normaliseName(known) === normaliseName(key));
    const { name, known } = spelt ?? found[0] ?? {};
    return known === undefined ? undefined : `${name}.${known}`;
  }
}

function keysOfSection(section: SectionName): string[] {
  const root = sectionJsonSchema(section);
  const nodes = [root, ...(root.oneOf ?? [])];
  return nodes.flatMap((node) => (isNode(node) ? Object.keys(node.properties ?? {}) : []));
}
