import { Tensor } from "../torch/index.ts";

/**
 * A module of a model. Its properties are its parameters and submodules, named as the weights in Hugging Face folders:
 * `model.layers.0.self_attn.q_proj.weight`. Arrays of modules are named by index.
 */
export abstract class Module implements Disposable {
  /** This module (path `prefix`) and every module below it, in the order of their properties. */
  *namedModules(prefix = ""): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of children(this)) yield* child.namedModules(join(prefix, name));
  }

  /** Every parameter once: one that two modules share (tied weights) under the first of its names. */
  *namedParameters(): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>();
    for (const [path, module] of this.namedModules()) {
      for (const [name, value] of Object.entries(module)) {
        if (!(value instanceof Tensor) || seen.has(value)) continue;
        seen.add(value);
        yield [join(path, name), value];
      }
    }
  }

  /** Frees every parameter. */
  dispose(): void {
    for (const [, parameter] of this.namedParameters()) parameter.dispose();
  }

  /** Frees all parameters. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function* children(module: Module): Generator<[string, Module]> {
  for (const [name, value] of Object.entries(module)) {
    if (value instanceof Module) yield [name, value];
    if (!Array.isArray(value)) continue;
    for (const [i, item] of value.entries()) if (item instanceof Module) yield [`${name}.${i}`, item];
  }
}

function join(prefix: string, name: string): string {
  return prefix === "" ? name : `${prefix}.${name}`;
}
