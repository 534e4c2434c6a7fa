import { native } from "../native/load.ts";
import { Tensor } from "./tensor.ts";

/** A random number generator on a device; a seed gives the same numbers as in Python's torch. */
export class Generator implements Disposable {
  readonly handle: number;
  readonly device: string;

  constructor(seed: number, device: string) {
    this.device = device;
    this.handle = native().generator(seed, device);
  }

  /** The complete state as bytes (a uint8 tensor). */
  state(): Tensor {
    return new Tensor(native().generatorState(this.handle));
  }

  /** Restores a state that `state()` returned. */
  setState(state: Tensor): void {
    native().setGeneratorState(this.handle, state.handle);
  }

  /** Frees the generator. */
  dispose(): void {
    native().disposeGenerator(this.handle);
  }

  /** Frees the generator. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
