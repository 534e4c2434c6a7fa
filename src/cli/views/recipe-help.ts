import { describeSection, type FieldDescription } from "../../config/field-descriptions.ts";
import { pluginsHelp } from "../../config/plugins.ts";
import { type SectionName, sectionNames } from "../../config/recipe-sections.ts";
import type { Context } from "../terminal/context.ts";
import { terminalWidth } from "../terminal/output-stream.ts";
import { pad, wrap } from "../terminal/text-width.ts";

/** Help on every key of a recipe, by section, generated from the schemas. */
export function recipeHelp(context: Context): string {
  const width = Math.min(110, terminalWidth(context.stdout, 100));
  const head = "Keys of a recipe (in YAML, or with --set section.key=value):";
  const plugins = fieldLines({ ...pluginsHelp, unset: "none" }, pluginsHelp.key.length + 2, width);
  const sections = sectionNames.flatMap((section) => sectionHelp(section, width, context));
  return [head, ...sections, ["beside the sections:", ...plugins].join("\n")].join("\n\n");
}

/** One block for the common keys, and one for the keys of particular methods. */
function sectionHelp(section: SectionName, width: number, { paintOut }: Context): string[] {
  const fields = describeSection(section);
  const keyWidth = Math.max(...fields.map((field) => field.key.length)) + 2;
  const groups = new Map<string, FieldDescription[]>();
  for (const field of fields) {
    const title = field.methods === undefined ? `${section}:` : `${section} (${field.methods.join(", ")}):`;
    groups.set(title, [...(groups.get(title) ?? []), field]);
  }
  return [...groups].map(([title, group]) =>
    [paintOut("bold", title), ...group.flatMap((field) => fieldLines(field, keyWidth, width))].join("\n"),
  );
}

function fieldLines(
  field: Pick<FieldDescription, "key" | "expects" | "unset" | "description">,
  keyWidth: number,
  width: number,
): string[] {
  const unset = field.unset === undefined ? "required" : `default: ${field.unset}`;
  const lines = [
    ...wrap(field.description, width - keyWidth - 2),
    ...wrap(`${field.expects} (${unset})`, width - keyWidth - 2),
  ];
  return lines.map((line, i) => `  ${pad(i === 0 ? field.key : "", keyWidth)}${line}`);
}
