/** Runs `work` while holding the lock file; waits for another process that holds it, told once to `log`. */
export function withLock<T>(path: string, log: (line: string) => void, work: () => Promise<T>): Promise<T>;
