// The licences and notices of what others wrote in a package.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Platform } from "./platform.ts";

const ownFolder = import.meta.dirname;

/** Writes THIRD-PARTY-NOTICES.md, and the texts that it names into `licenses`. */
export function writeNotices({ name, components }: Platform, wheels: string, folder: string): void {
  mkdirSync(join(folder, "licenses"));
  const rows = components.map(({ name: component, version, licence, where, texts }) => {
    const copies = texts.map((text) => copyText(text, wheels, join(folder, "licenses")));
    return `| ${component} | ${version} | ${licence} | ${where} | ${copies.join(", ")} |`;
  });
  const text = `# Third-party notices

\`lib/scalora.node\` is scalora's own (Apache-2.0, see LICENSE). What others wrote in this package for ${name}, unchanged:

| What | Version | Licence | Where | Texts |
|---|---|---|---|---|
${rows.join("\n")}
`;
  writeFileSync(join(folder, "THIRD-PARTY-NOTICES.md"), text);
}

/** @returns its path within the package */
function copyText(text: string, wheels: string, into: string): string {
  const isOwn = text.startsWith("licences/");
  const part = isOwn ? "" : `${/^[\w.]+-[\d.]*\d/.exec(text)?.[0] ?? basename(dirname(text))}-`;
  const name = `${part}${basename(text)}`;
  copyFileSync(isOwn ? join(ownFolder, text) : join(wheels, text), join(into, name));
  return `licenses/${name}`;
}
