import { native } from "../native/load.ts";
import { Tensor } from "./tensor.ts";

/** A source of random numbers on a device; the same seed gives the numbers of Python's torch. */
export class Generator implements Disposable {
  readonly handle: number;
  readonly device: string;

  constructor(seed: number, device: string) {
    this.device = device;
    this.handle = native().generator(seed, device);
  }

  /** The whole state as bytes (a uint8 tensor). */
  state(): Tensor {
    return new Tensor(native().generatorState(this.handle));
  }

  /** Takes back a state that `state` gave. */
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
