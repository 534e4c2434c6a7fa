/** What set-up leaves for the loader. */
export interface Setup {
  /** Folder with libtorch's `lib` and `include`. */
  libtorch: string;
  /** Version of that libtorch, for example "2.11.0+cu130". */
  version: string;
  /** Which of the ways found it. */
  from: "SCALORA_LIBTORCH" | "python" | "download";
  /** The compiled addon. */
  addon: string;
  /** First line of the compiler's `--version`. */
  compiler: string;
  /** ISO 8601. */
  setUpAt: string;
}

interface Options {
  root?: string;
  env?: NodeJS.ProcessEnv;
}

/** The libtorch that every result of this version of scalora is measured with. */
export const torchVersion: string;
/** The one command that sets everything up. */
export const setupCommand: string;
/** Compiler flags of the addon. */
export const compileFlags: readonly string[];
/** The folder of the package: this repository, or `node_modules/scalora`. */
export const packageRoot: string;
/** `$XDG_CACHE_HOME/scalora`, or `~/.cache/scalora`. */
export function cacheFolder(env?: NodeJS.ProcessEnv): string;
/** The `.cpp` and `.h` files under `native/`, sorted, relative to the package. */
export function nativeFiles(root?: string): string[];
/** Whether an NVIDIA driver runs here; such a machine needs the CUDA libraries too. */
export function hasNvidiaDriver(): boolean;
/** The file that holds the result of set-up for these sources and this environment, whether or not it exists. */
export function manifestPath(options?: Options): string;
/** What set-up found and built, or undefined when it has not run, or when what it left is no longer there. */
export function readSetup(options?: Options): Setup | undefined;
