import { ScaloraError } from "../util/errors.ts";

/** The part of a tensor that scopes use. */
export interface ScopedTensor {
  readonly isKept: boolean;
  dispose(): void;
}

let current: Set<ScopedTensor> | undefined;

/** Every tensor created since `allOrNothing` began. */
let sinceStart: ScopedTensor[] | undefined;

/** Called for each new tensor; the innermost scope will own it. */
export function addToScope(tensor: ScopedTensor): void {
  current?.add(tensor);
  sinceStart?.push(tensor);
}

/**
 * Runs `body`, which creates an object that owns tensors. If it throws, every tensor it has created is disposed, even after
 * `keep()`. Synchronous only, like `scope`.
 */
export function allOrNothing<T>(body: () => T extends PromiseLike<unknown> ? never : T): T {
  const outer = sinceStart;
  const made: ScopedTensor[] = [];
  sinceStart = made;
  try {
    return body();
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  } finally {
    sinceStart = outer;
    if (outer) for (const tensor of made) outer.push(tensor);
  }
}

/**
 * Runs `body` and then disposes every tensor made inside it, except those it returns (alone or in arrays, plain objects,
 * Maps and Sets), which pass to the enclosing scope, and those that were `keep()`t. Synchronous only: another scope could
 * open across an `await`.
 */
export function scope<T>(body: () => T extends PromiseLike<unknown> ? never : T): T {
  const parent = current;
  const mine = new Set<ScopedTensor>();
  try {
    return runIn(mine, () => {
      const result: T = body();
      if (result instanceof Promise) throw new ScaloraError("tensor", "scope() takes a synchronous function");
      moveToParent(result, mine, parent);
      return result;
    });
  } finally {
    disposeAll(mine);
  }
}

/**
 * A scope in several synchronous parts, between which a task may await: what any part made lives until the scope is disposed,
 * returned or not, except what was `keep()`t.
 */
export class ScopeInParts {
  private readonly mine = new Set<ScopedTensor>();

  /** Runs one part. */
  run<T>(part: () => T extends PromiseLike<unknown> ? never : T): T {
    return runIn<T>(this.mine, part);
  }

  /** Disposes of what the parts made. */
  [Symbol.dispose](): void {
    disposeAll(this.mine);
    this.mine.clear();
  }
}

/** Runs `body` with `owner` as the owner of the tensors that it makes. */
function runIn<T>(owner: Set<ScopedTensor>, body: () => T): T {
  const parent = current;
  current = owner;
  try {
    return body();
  } finally {
    current = parent;
  }
}

function disposeAll(tensors: ReadonlySet<ScopedTensor>): void {
  for (const tensor of tensors) if (!tensor.isKept) tensor.dispose();
}

/** Moves every tensor in a returned value from the ending scope to its parent. */
function moveToParent(value: unknown, from: Set<ScopedTensor>, to: Set<ScopedTensor> | undefined): void {
  if (typeof value !== "object" || value === null) return;
  if (isOwned(value, from)) {
    from.delete(value);
    to?.add(value);
  } else if (value instanceof Map) {
    for (const item of value.values()) moveToParent(item, from, to);
  } else if (Array.isArray(value) || value instanceof Set) {
    for (const item of value) moveToParent(item, from, to);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) moveToParent(item, from, to);
  }
}

function isOwned(value: unknown, owner: ReadonlySet<unknown>): value is ScopedTensor {
  return owner.has(value);
}
