import { z } from "zod";
import { adapterSchema } from "../adapters/registry.ts";
import type { SchemaNode } from "../schema/json-schema-node.ts";
import { dataSchema } from "./data-section.ts";
import { modelSchema } from "./model-section.ts";
import { runSchema } from "./run-section.ts";
import { trainSchema } from "./train-section.ts";

/** The sections of a recipe, in the order in which they are written. */
const sectionSchemas = {
  model: () => modelSchema,
  adapter: adapterSchema,
  data: () => dataSchema,
  train: trainSchema,
  run: () => runSchema,
};

export type SectionName = keyof typeof sectionSchemas;

/** Raw, unchecked sections by name; a missing one is empty. */
export type RawSections = Record<SectionName, unknown>;

export const sectionNames: readonly SectionName[] = ["model", "adapter", "data", "train", "run"];

/** The JSON schema of a section as a user writes it. */
export function sectionJsonSchema(section: SectionName): SchemaNode {
  return z.toJSONSchema(sectionSchemas[section](), { io: "input" });
}
