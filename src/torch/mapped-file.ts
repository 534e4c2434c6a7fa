import { native } from "../native/load.ts";
import { type DType, dtypeCode } from "./dtype.ts";
import { Tensor } from "./tensor.ts";

/** A file mapped privately into memory: tensors read from it share its pages; writing to one never reaches the file. */
export class MappedFile implements Disposable {
  private readonly handle: number;
  /** Bytes. */
  readonly size: number;

  constructor(path: string) {
    [this.handle, this.size] = native().mapFile(path);
  }

  /** The tensor stored at a byte offset; a copy where the data is not aligned. It may outlive this object. */
  tensor(byteOffset: number, shape: readonly number[], dtype: DType): Tensor {
    return new Tensor(native().mappedTensor(this.handle, byteOffset, shape, dtypeCode(dtype)));
  }

  /** Unmaps the file once no tensor uses it. */
  dispose(): void {
    native().closeMappedFile(this.handle);
  }

  /** Unmaps the file once no tensor uses it. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** False once a mapped file was truncated while in use: data read from it since then are zeros. */
export function mappedFilesIntact(): boolean {
  return native().mappedFilesIntact();
}
