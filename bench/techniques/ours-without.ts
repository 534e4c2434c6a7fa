// Our side of the comparison (bench/peer/ours.ts) without one technique: modules are replaced as they are imported.
//   ours-without.ts JOB TECHNIQUE
import { registerHooks } from "node:module";
import { required } from "../../src/util/elements.ts";
import { techniques } from "./techniques.ts";

const name = process.argv[3];
const { replacements } = required(
  techniques.find((technique) => technique.name === name),
  `the technique ${name}`,
);
const urlOf = (file: string) => new URL(`../../${file}`, import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context);
    const replacement = replacements.find(
      ({ importer, module }) => context.parentURL === urlOf(importer) && found.url === urlOf(module),
    );
    return replacement === undefined ? found : { ...found, url: urlOf(replacement.by) };
  },
});
await import("../peer/ours.ts");
