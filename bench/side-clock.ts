/** Seconds: of this process's CPU time with one thread, so that neighbours do not count; of the wall with more. */
export function sideClock(threads: number): number {
  if (threads > 1) return performance.now() / 1e3;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
