/** What `build` makes of something that it takes over: where it fails, that is disposed of. */
export function disposeOnError<T>(owned: Disposable, build: () => T): T {
  try {
    return build();
  } catch (error) {
    owned[Symbol.dispose]();
    throw error;
  }
}
