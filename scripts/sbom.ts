// npm run sbom [-- FILE]: the software bill of materials of what a user gets, in CycloneDX 1.5: the npm packages, and the wheels
// that setup downloads. The same sources give the same text.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/setup/paths.ts";

interface Component {
  "bom-ref": string;
  type: string;
  name: string;
  version: string;
  purl: string;
  hashes?: { alg: string; content: string }[];
  licenses?: unknown;
  properties?: { name: string; value: string }[];
}

interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; tools?: unknown; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/** Licences of the wheels, from their metadata. */
const wheelLicences: ReadonlyMap<string, unknown> = new Map([
  ["torch", [{ license: { id: "BSD-3-Clause" } }]],
]);
const nvidia = [{ license: { name: "NVIDIA Proprietary Software" } }];

const bom = npmBom();
// Different at each call: a bill is told from another by its content.
delete bom.serialNumber;
delete bom.metadata.timestamp;
delete bom.metadata.tools;
// The name of the folder otherwise.
bom.metadata.component.name = "scalora";
const wheels = ["cpu", "cuda"].flatMap(wheelsOf);
const all = new Map([...bom.components, ...wheels].map((component) => [component["bom-ref"], component]));
bom.components = [...all.values()].sort((a, b) => (a["bom-ref"] < b["bom-ref"] ? -1 : 1));
bom.dependencies.sort((a, b) => (a.ref < b.ref ? -1 : 1));
for (const { dependsOn } of bom.dependencies) dependsOn.sort();
const text = `${JSON.stringify(bom, null, 2)}\n`;
const [file] = process.argv.slice(2);
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);

/** From the lock, so that it does not depend on what is installed here. */
function npmBom(): Bom {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"];
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: packageRoot, encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout);
  process.stderr.write(stderr);
  process.exit(1);
}

/** The wheels of one of the lists in `src/setup`. */
function wheelsOf(kind: string): Component[] {
  const lines = readFileSync(join(packageRoot, `src/setup/libtorch-${kind}.txt`), "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, name = "", version = "", hash = "", file = ""] =
      /^(\S+)==(\S+) --hash=sha256:(\S+) # (\S+)/.exec(line) ?? [];
    return name === "" ? [] : [wheel(name, version, hash, file)];
  });
}

function wheel(name: string, version: string, hash: string, file: string): Component {
  const purl = `pkg:pypi/${name}@${version}`;
  return {
    "bom-ref": `${purl}#${hash.slice(0, 12)}`,
    type: "library",
    name,
    version,
    purl,
    hashes: [{ alg: "SHA-256", content: hash }],
    licenses: wheelLicences.get(name) ?? nvidia,
    properties: [{ name: "scalora:file", value: file }],
  };
}
