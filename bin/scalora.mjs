#!/usr/bin/env node
import { existsSync } from "node:fs";

// Of the package, dist is ready; in a clone, packages and dist are made, or brought up to date, first.
const repository = new URL("../scripts/repository/", import.meta.url);
if (existsSync(repository)) {
  const { installDependencies } = await import(new URL("dependencies.mjs", repository).href);
  const { buildDist } = await import(new URL("build.mjs", repository).href);
  const log = (/** @type {string} */ line) => process.stderr.write(`scalora: ${line}\n`);
  await installDependencies(log);
  await buildDist(log);
}

// A reader that has seen enough (`scalora ls runs | head`) is no error.
process.stdout.on("error", (error) => {
  if ("code" in error && error.code === "EPIPE") process.exit(0);
  process.stderr.write(`error: the output cannot be written\n  found:    ${error.message}\n`);
  process.exit(1);
});

const { main } = await import(new URL("../dist/cli/main.js", import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));
