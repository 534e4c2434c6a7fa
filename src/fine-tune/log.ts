/**
 * A list that grows until it ends, read by any number of readers at once: each gets every item from the first one on, as fast or as
 * slowly as it likes.
 */
export class Log<T> implements AsyncIterable<T> {
  private readonly items: T[] = [];
  private ending: { readonly error?: unknown } | undefined;
  /** Wakes the readers that have read everything. */
  private readonly waiting = new Set<() => void>();

  add(item: T): void {
    this.items.push(item);
    this.wake();
  }

  /** Nothing more comes. @param ending with the error that readers get after the last item */
  end(ending: { readonly error?: unknown } = {}): void {
    this.ending ??= ending;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined> {
    for (let read = 0; ; ) {
      for (; read < this.items.length; read++) yield* this.items.slice(read, read + 1);
      const { ending } = this;
      if (ending === undefined) await new Promise<void>((resolve) => this.waiting.add(resolve));
      else if ("error" in ending) throw ending.error;
      else return undefined;
    }
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}
