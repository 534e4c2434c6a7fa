import type { Setup } from "./locate.mjs";

/**
 * What set-up left, made first when it is not there: libtorch is found or downloaded and the addon compiled, with
 * progress on `stream` (stderr). With `verify`, what is there is loaded once, and made anew when it does not load.
 * Costs milliseconds once it is done; safe in several processes at once, and after any interruption. Throws an Error
 * with `code` "setup" whose message ends with what to do.
 */
export function ensureSetup(options?: {
  verify?: boolean;
  stream?: NodeJS.WriteStream;
  env?: NodeJS.ProcessEnv;
}): Promise<Setup>;
