// Checks every import under src, those of types included, against the table of docs/architecture.md, and that no files
// import each other in a circle: the table becomes rules for dependency-cruiser.
import { cruise, type IForbiddenRuleType } from "dependency-cruiser";
import { packageRoot } from "../../src/setup/paths.ts";
import { type Permission, type Row, readTable, testFile } from "../repository/import-table.ts";

/** A regular expression that stands for itself. */
const exactly = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What lies under a folder, or is the file of that name. */
const under = (folder: string) => `^${exactly(folder)}(/|\\.ts$)`;

const parentOf = (row: Row) => (row.folder.endsWith("/*") ? row.folder.slice(0, -2) : undefined);

/** What may not be imported by the files of a row that are no tests. */
function rulesOf(row: Row, rows: Row[]): IForbiddenRuleType[] {
  const parent = parentOf(row);
  // `$1` is the folder that the star stood for.
  const own = parent === undefined ? under(row.folder) : `^${exactly(parent)}/$1/`;
  const from = {
    path: parent === undefined ? own : `^${exactly(parent)}/([^/]+)/`,
    pathNot: [testFile, ...roomsInside(row, rows)],
  };
  const folders = (permissions: Permission[]) => permissions.map(({ folder }) => under(folder));
  const always = [own, under("src/util"), ...folders(row.permissions.filter(({ typesOnly }) => !typesOnly))];
  const types = folders(row.permissions.filter(({ typesOnly }) => typesOnly));
  const severity = "error" as const;
  const rules: IForbiddenRuleType[] = [
    { name: `${row.folder} may not`, severity, from, to: { path: "^src/", pathNot: [...always, ...types] } },
  ];
  if (types.length === 0) return rules;
  const to = {
    path: types,
    pathNot: always,
    dependencyTypesNot: ["type-only" as const, "type-import" as const],
  };
  return [...rules, { name: `${row.folder} may only its types`, severity, from, to }];
}

/** The rooms with rows of their own that lie inside a row's folder. */
function roomsInside(row: Row, rows: Row[]): string[] {
  const parent = parentOf(row) ?? row.folder;
  const named = rows.filter(
    (other) => parentOf(other) === undefined && other.folder.startsWith(`${parent}/`),
  );
  const star = rows.some((other) => other !== row && parentOf(other) === parent);
  return [...named.map(({ folder }) => under(folder)), ...(star ? [`^${exactly(parent)}/[^/]+/`] : [])];
}

const rows = readTable();
const { output, exitCode } = await cruise(["src"], {
  baseDir: packageRoot,
  validate: true,
  outputType: "err",
  includeOnly: "^src/",
  tsPreCompilationDeps: true,
  ruleSet: {
    forbidden: [
      ...rows.flatMap((row) => rulesOf(row, rows)),
      {
        name: "only src/torch may",
        severity: "error",
        from: { path: testFile, pathNot: [under("src/torch"), under("src/native")] },
        to: { path: under("src/native") },
      },
      {
        name: "is in no row",
        severity: "error",
        from: { pathNot: rows.map((row) => under(parentOf(row) ?? row.folder)) },
        to: {},
      },
      { name: "files import each other", severity: "error", from: {}, to: { circular: true } },
    ],
  },
});
if (exitCode !== 0) console.log(output);
process.exitCode = exitCode === 0 ? 0 : 1;
