/** What `build` makes of things that it takes over: where it fails, they are disposed of, the last first. */
export function disposeOnError<T>(owned: readonly Disposable[], build: () => T): T {
  try {
    return build();
  } catch (error) {
    for (const thing of owned.toReversed()) thing[Symbol.dispose]();
    throw error;
  }
}
