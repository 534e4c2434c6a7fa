import { messageOf, ScaloraError } from "../../util/errors.ts";

/**
 * Does what a method has its own code for; an error that the method did not mean for the user names the method then.
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
