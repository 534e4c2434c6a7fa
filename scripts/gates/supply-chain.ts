// Checks what npm would install: every package by its hash, no addresses, no install scripts, and licences that
// allow use. docs/dependencies.md lists the packages that a user gets, by licence; --write writes that list.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";

interface LockedPackage {
  version?: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  hasInstallScript?: boolean;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
}

/** Licences of packages that a user gets: they allow any use, and ask for the notice that each package has in it. */
const allowedLicences: ReadonlySet<string> = new Set([
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
]);

/** Development packages with an install script, which `npm ci --ignore-scripts` leaves out, and why they work without. */
const worksWithoutScript: ReadonlyMap<string, string> = new Map([
  [
    "esbuild",
    "its script only makes the start of its command faster; tsx calls the binary of the platform's package",
  ],
]);

const { packages }: { packages: Record<string, LockedPackage> } = JSON.parse(
  readFileSync(join(packageRoot, "package-lock.json"), "utf8"),
);
const locked = Object.entries(packages)
  .filter(([path]) => path !== "")
  .map(([path, found]) => ({ name: path.replace(/^.*node_modules\//, ""), ...found }));

const problems = [...locked.flatMap(problemsOf), ...documentationProblems()];
for (const problem of problems) console.log(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function problemsOf({
  name,
  resolved,
  integrity,
  license,
  hasInstallScript,
  ...found
}: LockedPackage & { name: string }) {
  const reports: string[] = [];
  // The registry that made the lock may lack a development tool for another system (`npm run lock`).
  const isOtherSystems = found.dev === true && found.optional === true && found.os !== undefined;
  if (!/^sha512-/.test(integrity ?? "") && !isOtherSystems) reports.push("has no SHA-512 hash");
  // Without addresses every package comes from the registry that npm is set to, and its hash decides.
  if (resolved !== undefined) reports.push(`has an address, ${resolved} (npm run lock leaves them out)`);
  if (hasInstallScript && !(found.dev && worksWithoutScript.has(name))) reports.push("has an install script");
  if (!found.dev && !allowedLicences.has(license ?? ""))
    reports.push(`has the licence ${license ?? "(none)"}`);
  return reports.map((report) => `package-lock.json: ${name} ${found.version} ${report}`);
}

/** The packages that a user gets, by licence, as docs/dependencies.md lists them. */
function licenceList(): string {
  const users = locked.filter(({ dev }) => !dev);
  const lines = [...allowedLicences].map((licence) => {
    const names = users
      .filter(({ license }) => license === licence)
      .map(({ name, version }) => `\`${name}\` ${version}`);
    return names.length === 0 ? "" : `- ${licence}: ${[...new Set(names)].sort().join(", ")}\n`;
  });
  return lines.join("");
}

function documentationProblems(): string[] {
  const file = join(packageRoot, "docs/dependencies.md");
  const text = readFileSync(file, "utf8");
  const fresh = text.replace(
    /(<!-- licences -->\n)[\s\S]*?(<!-- \/licences -->)/,
    (_all, start, end) => `${start}${licenceList()}${end}`,
  );
  if (process.argv.includes("--write")) writeFileSync(file, fresh);
  else if (fresh !== text || !text.includes("<!-- licences -->"))
    return [
      "docs/dependencies.md: the list of licences is out of date (node scripts/gates/supply-chain.ts --write)",
    ];
  return [];
}
