import { setEngineVariables } from "../util/engine-variables.ts";

/**
 * Sets the variables that libtorch reads when it is loaded, for as long as that takes: a thread's `process.env` is a copy, which no
 * native code sees, and a program's children should get the environment that the program has chosen.
 * @returns takes them back
 */
export function lendEngineVariables(env = process.env): () => void {
  const added: NodeJS.ProcessEnv = { ...env };
  setEngineVariables(added);
  const names = Object.keys(added).filter((name) => env[name] === undefined);
  for (const name of names) env[name] = added[name];
  return () => {
    for (const name of names.splice(0)) delete env[name];
  };
}
