/**
 * Runs `work` while holding the lock file; waits for another process that holds it, told once to `log`. `what` it waits
 * for is "another set-up" unless named; `signal` ends the wait.
 */
export function withLock<T>(
  path: string,
  log: (line: string) => void,
  work: () => Promise<T>,
  options?: { what?: string; signal?: AbortSignal },
): Promise<T>;
