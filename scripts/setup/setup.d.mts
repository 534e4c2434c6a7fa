import type { Setup } from "./locate.mjs";

/**
 * What set-up left, made first when it is not there: libtorch is found or downloaded and the addon compiled, with
 * progress on `stream` (stderr). Costs milliseconds once it is done; safe in several processes at once, and after any
 * interruption. Throws an Error with `code` "setup" whose message ends with what to do.
 */
export function ensureSetup(options?: {
  stream?: NodeJS.WriteStream;
  env?: NodeJS.ProcessEnv;
}): Promise<Setup>;

/** The same, but first makes sure that what is there still loads, and sets up anew when it does not. */
export function repairSetup(options?: {
  stream?: NodeJS.WriteStream;
  env?: NodeJS.ProcessEnv;
}): Promise<Setup>;
