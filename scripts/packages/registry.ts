// A registry of npm packages on this machine: verdaccio, which passes on what others have published.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../src/util/free-port.ts";
import { runNpm } from "./pack.ts";

const version = "6.10.4";

export interface Registry {
  url: string;
  publish(tarball: string): Promise<void>;
  stop(): void;
}

/** Installs verdaccio into a folder and starts it there. */
export async function startRegistry(folder: string): Promise<Registry> {
  mkdirSync(folder, { recursive: true });
  // node-fetch is asked for by a tag, which not every mirror of the registry has.
  const description = {
    private: true,
    dependencies: { verdaccio: version },
    overrides: { "node-fetch": "2.7.0" },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(description));
  await runNpm(["install", "--no-audit", "--no-fund", "--ignore-scripts"], folder);
  const upstream = (await runNpm(["config", "get", "registry"], folder)).trim();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  writeFileSync(join(folder, "config.yaml"), configuration(folder, upstream));
  const program = join(folder, "node_modules", "verdaccio", "bin", "verdaccio");
  const args = [program, "--config", join(folder, "config.yaml"), "--listen", `127.0.0.1:${port}`];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const stop = () => child.kill();
  process.once("exit", stop);
  await answers(url);
  return { url, publish: (tarball) => publish(tarball, url, folder), stop };
}

/** Anybody publishes our packages; everything else comes from the registry that npm uses here. */
const configuration = (folder: string, upstream: string) => `
storage: ${join(folder, "storage")}
max_body_size: 1gb
uplinks:
  upstream:
    url: ${upstream}
packages:
  "@scalora/*":
    access: $all
    publish: $all
  scalora:
    access: $all
    publish: $all
  "**":
    access: $all
    proxy: upstream
log: { type: stdout, level: error }
`;

async function answers(url: string) {
  for (let tries = 0; tries < 300; tries++) {
    const response = await fetch(`${url}-/ping`).catch(() => undefined);
    if (response?.ok) return;
    await sleep(200);
  }
  throw new Error("verdaccio does not answer");
}

async function publish(tarball: string, url: string, folder: string) {
  // npm wants a token; this registry asks for none.
  const settings = join(folder, "publish.npmrc");
  writeFileSync(settings, `registry=${url}\n${url.replace("http:", "")}:_authToken=anybody\n`);
  await runNpm(["publish", tarball, "--userconfig", settings, "--access", "public"], folder);
}
