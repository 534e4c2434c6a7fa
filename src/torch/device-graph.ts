import { native } from "../native/load.ts";

/**
 * Work of a GPU, recorded once and run again without its host: a CUDA graph. Numbers of the host, shapes and places in memory are
 * those of the recording. What a replay writes is read only from tensors that were there before the recording: the memory of others
 * is shared by all graphs.
 */
export class DeviceGraph implements Disposable {
  private readonly handle: number;

  private constructor(handle: number) {
    this.handle = handle;
  }

  /**
   * Records what `work` has the device do; nothing of it happens yet. `work` may neither wait for the device nor bring it numbers of
   * the host, and leaves no tensor behind.
   * @throws what `work` throws, and where the device refuses to record something; nothing has happened then
   */
  static record(device: string, work: () => void): DeviceGraph {
    const graph = new DeviceGraph(native().beginGraph(device));
    try {
      work();
      native().endGraph(graph.handle);
      return graph;
    } catch (error) {
      graph.dispose();
      throw error;
    }
  }

  /** @returns false where nothing was done, because a tensor that `work` used is gone or lies elsewhere, or its gradient does */
  replay(): boolean {
    return native().replayGraph(this.handle);
  }

  /** Frees it; further calls do nothing. */
  dispose(): void {
    native().disposeGraph(this.handle);
  }

  /** Frees it. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
