import { statSync } from "node:fs";
import { MappedFile, type Tensor } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { nearestName } from "../util/nearest-name.ts";
import { torchDType } from "./dtypes.ts";
import { readSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from "./header.ts";

/**
 * An open safetensors file: checked header, and tensors that read the file's pages without a copy (a private map:
 * writing to such a tensor changes memory, never the file).
 */
export class SafetensorsFile implements Disposable {
  readonly path: string;
  readonly header: SafetensorsHeader;
  private readonly map: MappedFile;

  private constructor(path: string, header: SafetensorsHeader, map: MappedFile) {
    this.path = path;
    this.header = header;
    this.map = map;
  }

  /** Reads and checks the header, then maps the file. Throws ScaloraError `format`. */
  static open(path: string): SafetensorsFile {
    const header = readSafetensorsHeader(path);
    return new SafetensorsFile(path, header, new MappedFile(path));
  }

  get entries(): ReadonlyMap<string, SafetensorsEntry> {
    return this.header.entries;
  }

  entry(name: string): SafetensorsEntry {
    const entry = this.header.entries.get(name);
    if (entry !== undefined) return entry;
    const near = nearestName(name, this.header.entries.keys());
    throw new ScaloraError("format", `There is no tensor ${JSON.stringify(name)} in the file`, {
      where: this.path,
      ...(near === undefined ? {} : { fix: `did you mean ${JSON.stringify(near)}?` }),
    });
  }

  /**
   * The tensor `name`, of the file's dtype and shape, on the CPU. It stays valid after `dispose` of the file.
   * @throws ScaloraError `format` for an unknown name, a dtype that torch lacks, or a file that became shorter
   */
  tensor(name: string): Tensor {
    return this.read(name, this.map);
  }

  /** `tensor` from a map of its own: its pages leave the memory of this process when it is disposed. */
  tensorAlone(name: string): Tensor {
    using map = new MappedFile(this.path);
    return this.read(name, map);
  }

  private read(name: string, map: MappedFile): Tensor {
    const { dtype, shape, begin } = this.entry(name);
    const type = torchDType(dtype);
    if (type === undefined) {
      throw new ScaloraError("format", `Tensors of dtype ${dtype} cannot be read`, {
        where: `${this.path}, tensor ${JSON.stringify(name)}`,
        fix: "convert the file to F32, BF16 or F16",
      });
    }
    this.checkSize();
    return map.tensor(begin, shape, type);
  }

  dispose(): void {
    this.map.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Access beyond the end of a mapped file ends the process, so the file's size is checked first. */
  private checkSize(): void {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size;
    if (size === undefined || size === this.header.size) return;
    throw new ScaloraError("format", "The file changed while it was in use", {
      where: this.path,
      expected: `${this.header.size} bytes`,
      found: `${size} bytes`,
    });
  }
}
