import { describe, type SectionName, sectionNames } from "../config/index.js";
import type { Context } from "./context.js";
import { pad, wrap } from "./terminal/text.js";

/** Every key of a recipe, section by section, from the schemas that check it. */
export function recipeHelp(context: Context): string {
  const width = Math.min(110, context.stdout.columns ?? 100);
  const head = "Keys of a recipe (in YAML, or with --set section.key=value):";
  return [head, ...sectionNames.map((section) => sectionHelp(section, width, context))].join("\n\n");
}

function sectionHelp(section: SectionName, width: number, { paintOut }: Context): string {
  const fields = describe(section);
  const keyWidth = Math.max(...fields.map((field) => field.key.length)) + 2;
  const lines = fields.flatMap((field) => {
    const unset = field.unset === undefined ? "required" : `default: ${field.unset}`;
    const methods = field.methods === undefined ? "" : ` [${field.methods.join(", ")}]`;
    const text = `${field.description}. ${capital(field.expects)}; ${unset}${methods}`;
    return wrap(text, width - keyWidth - 2).map(
      (line, i) => `  ${pad(i === 0 ? field.key : "", keyWidth)}${line}`,
    );
  });
  return [paintOut("bold", `${section}:`), ...lines].join("\n");
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
