import { messageOf, ScaloraError } from "../../util/errors.ts";

/**
 * Runs the code of a method; errors that were not meant for the user are wrapped with the method's name.
 * @param what the code's name, such as a hook's
 * @throws ScaloraError `run` in place of other errors, and of those of operators
 */
export function naming<T>(method: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof ScaloraError && cause.code !== "tensor") throw cause;
    throw new ScaloraError("run", `Method ${method} failed in ${what}`, {
      where: `adapter.method: ${method}`,
      found: messageOf(cause),
      cause,
    });
  }
}
