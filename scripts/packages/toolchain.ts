/** What is compiled, and where to. */
export interface CompileJob {
  /** Folder with libtorch's `include` and `lib`. */
  libtorch: string;
  /** The addon's file. */
  output: string;
  log(line: string): void;
}

/** What a library needs of others. */
export interface Needs {
  /** File names of libraries. */
  libraries: readonly string[];
  /** The newest version of each set of symbols, for example GLIBC: 2.28. */
  versions: ReadonlyMap<string, string>;
}

/** What makes the addon of a platform, and reads the libraries of its format. */
export interface Toolchain {
  /** Compiles and links the addon, which finds libraries in its own folder. @returns the compiler's version, for people */
  compile(job: CompileJob): Promise<string>;
  inspect(file: string): Promise<Needs>;
  /** Whether every system of the platform that runs Node has a library. */
  isOfSystem(library: string): boolean;
}
