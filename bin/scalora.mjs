#!/usr/bin/env node
// @ts-check
import { existsSync } from "node:fs";
import { isTooOld, minimumNode } from "./node-version.mjs";

const scripts = new URL("../scripts/", import.meta.url);
if (existsSync(scripts)) await prepareClone();
else if (isTooOld()) {
  process.stderr.write(`error: scalora needs Node ${minimumNode} or newer
  found:    Node ${process.versions.node} (${process.execPath})
  fix:      install a newer Node
`);
  process.exit(1);
}

const { main } = await import(new URL("../dist/cli/main.js", import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));

/** A package brings dist; in a clone, a Node that will do, the npm packages and dist are made, or brought up to date. */
async function prepareClone() {
  const { ensureNode } = await import(new URL("node.mjs", scripts).href);
  await ensureNode();
  const { installDependencies } = await import(new URL("repository/install-dependencies.ts", scripts).href);
  const { refreshDist } = await import(new URL("repository/build.ts", scripts).href);
  const log = (/** @type {string} */ line) => process.stderr.write(`scalora: ${line}\n`);
  await installDependencies(log);
  await refreshDist(log);
}
