/** An operator of libtorch, bound once: tensors and generators pass as handles, the rest as plain values. */
export type NativeOperator<Result = unknown> = (...args: unknown[]) => Result;

/** What the addon exports. Handles are numbers, 0 is "no tensor"; dtypes are torch's ScalarType codes. */
export interface NativeAddon {
  setErrorFactory(
    factory: (kind: string, message: string, where: string, found: string, fix: string) => Error,
  ): void;
  /** `Result` must match the results in the operator's schema; nothing checks it. */
  operator<Result>(name: string, overload: string): NativeOperator<Result>;
  schema(name: string, overload: string): string;

  fromData(data: ArrayBufferView, shape: readonly number[], dtype: number, device: string): number;
  toData(tensor: number): ArrayBuffer;
  shape(tensor: number): number[];
  dtype(tensor: number): number;
  device(tensor: number): string;
  isContiguous(tensor: number): boolean;
  item(tensor: number): number;
  isAlive(tensor: number): boolean;
  dispose(tensor: number): boolean;
  liveTensors(): number;

  requiresGrad(tensor: number): boolean;
  setRequiresGrad(tensor: number, on: boolean): void;
  grad(tensor: number): number;
  setGrad(tensor: number, gradient: number): void;
  backward(tensor: number, gradient: number): void;
  gradients(outputs: readonly number[], inputs: readonly number[]): number[];
  gradMode(): boolean;
  /** @returns the previous mode */
  setGradMode(on: boolean): boolean;

  generator(seed: number, device: string): number;
  generatorState(generator: number): number;
  setGeneratorState(generator: number, state: number): void;
  disposeGenerator(generator: number): boolean;

  /** Begins to record what this thread has a GPU do. @returns the handle of a graph */
  beginGraph(device: string): number;
  endGraph(graph: number): undefined;
  /** @returns false where nothing was done, because a tensor that the graph was recorded with is gone or lies elsewhere */
  replayGraph(graph: number): boolean;
  disposeGraph(graph: number): boolean;

  mapFile(path: string): [handle: number, size: number];
  mappedTensor(file: number, byteOffset: number, shape: readonly number[], dtype: number): number;
  closeMappedFile(file: number): boolean;
  mappedFilesIntact(): boolean;

  startMemoryCount(device: string): void;
  endMemoryCount(): [tensors: number, resident: number];

  startProfile(): void;
  beginLabel(name: string, kind: number): void;
  endLabel(): void;
  /** Nanoseconds; the events are rows of nine float64 (`Event` of native/binding/profile.cpp). */
  endProfile(): [names: string[], events: ArrayBuffer, begin: number, duration: number, cpu: number];

  /** Finds or makes the store of a process group; `job` keeps it apart from others there. @returns a promise of its handle */
  openStore(
    host: string,
    port: number,
    isServer: boolean,
    job: string,
    rank: number,
    size: number,
    address: string,
    timeout: number,
  ): Promise<number>;
  /**
   * Waits for the other ranks for so many milliseconds; to be called again until all are there.
   * @returns a promise of the ranks that are missing then, as text
   */
  meetRanks(group: number, milliseconds: number): Promise<string>;
  /** Connects to the other ranks, which are all there. */
  joinProcessGroup(group: number): Promise<undefined>;
  closeProcessGroup(group: number): boolean;
  allReduce(group: number, tensor: number, reduction: string): Promise<undefined>;
  reduceScatter(group: number, tensor: number, reduction: string): Promise<number>;
  allGather(group: number, tensor: number): Promise<number>;
  /** @returns the number that `awaitGather` takes */
  beginGather(group: number, slices: readonly number[], outputs: readonly number[]): number;
  /** Waits on this thread for so many milliseconds. @returns whether the gather is done, so that it cannot be awaited again */
  awaitGather(group: number, gather: number, milliseconds: number): boolean;
  /** @returns how many SIGINT and SIGTERM for which JavaScript listens have come since this was first called */
  stopSignals(): number;
  /** @returns whether the first SIGINT or SIGTERM writes its text at once, and another one ends the process (Linux) */
  answerStops(onInterrupt: string, onTerminate: string): boolean;
  ignoreStops(): void;
  /** @returns whether that other one has come */
  stopCameAgain(): boolean;
  allToAll(group: number, tensor: number, output: number): Promise<undefined>;
  /** @returns the number of an expectation */
  expectGradients(
    group: number,
    parameters: readonly number[],
    buckets: readonly (readonly number[])[],
  ): number;
  endGradients(group: number, expectation: number, isDone: boolean): undefined;
  sumGradients(
    group: number,
    pieces: readonly (readonly number[])[],
    sums: readonly number[],
    received: number,
    count: number,
    isFirst: boolean,
    isLast: boolean,
    expectation: number,
  ): Promise<undefined>;
  broadcast(group: number, tensor: number, root: number): Promise<undefined>;
  barrier(group: number): Promise<undefined>;
  storeSet(group: number, key: string, value: string): Promise<undefined>;
  storeGet(group: number, key: string): Promise<string | undefined>;

  version(): string;
  parallelInfo(): string;
  cpuCapability(): string;
  cudaDevices(): number;
  /** Bytes; undefined where libtorch cannot tell. */
  deviceMemory(
    device: string,
  ): [tensors: number, peak: number, held: number, free: number, total: number] | undefined;
  resetDevicePeak(device: string): void;
  hasFusedAttention(): boolean;
  hasOneDnn(): boolean;
  threads(): number;
  setThreads(count: number): void;
  keepFreedMemory(): boolean;
  releaseFreeMemory(): boolean;
  endProcess(exitCode: number): never;
  setGemmBackend(name: string): void;
  /** @returns the name of a second device, for tests */
  useSecondDevice(): string;
  /** @returns the operators since the last call at which the host would have waited for a GPU in the second device's place */
  takeHostWaits(): string[];
}
