// npm run lock: renews package-lock.json after a change of package.json. A registry that lacks some package for another
// system makes npm leave it out, and `npm ci` then fails everywhere; so those are written in, with their version only.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/setup/paths.ts";

const path = join(packageRoot, "package-lock.json");
const { status } = spawnSync(
  "npm",
  ["install", "--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved"],
  {
    cwd: packageRoot,
    stdio: "inherit",
  },
);
if (status !== 0) process.exit(1);

/** Names such as `@oxc-parser/binding-linux-arm64-musl` say what they are for. */
function systemOf(name: string): Pick<LockedPackage, "os" | "cpu" | "libc"> {
  if (name.includes("windows")) return { os: ["win32"] };
  const [os = "", cpu = "", abi = ""] = name.replace(/^.*\/(cli|binding)-/, "").split("-");
  const libc = os === "linux" ? { libc: [abi === "musl" ? "musl" : "glibc"] } : {};
  return { cpu: [cpu], os: [os], ...(abi.startsWith("gnueabi") || abi.startsWith("musleabi") ? {} : libc) };
}

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const lock: { packages: Record<string, LockedPackage> } = JSON.parse(readFileSync(path, "utf8"));
for (const { dev, optionalDependencies = {} } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    console.log(`${name} ${version} is not in this registry: written without its hash`);
    // Of a range, the first version that it takes.
    lock.packages[key] = {
      version: version.replace(/^[~^]/, ""),
      ...(dev ? { dev } : {}),
      optional: true,
      ...systemOf(name),
    };
  }
}
// The package itself is called "", so it stays first.
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")),
);
writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
