/** A file of a Python package, pinned. */
export interface Wheel {
  /** A line of a requirements file, with its hash. */
  requirement: string;
  name: string;
  /** SHA-256. */
  hash: string;
  file: string;
  /** In bytes. */
  size: number;
}

/** What is downloaded, the command that does it, and what else a person can do. */
export interface Purpose {
  what: string;
  command: string;
  otherwise: string;
}

export interface Pip {
  python: string;
  scratch: string;
  env: NodeJS.ProcessEnv;
  purpose: Purpose;
  /** Stops what runs. */
  signal?: AbortSignal;
}

/** pip with an empty folder for what it leaves lying about, which the caller removes. */
export function openPip(
  scratch: string,
  purpose: Purpose,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Pip>;

/** Downloads the wheels that the folder does not hold yet; `room`: bytes that must be free beside them. */
export function fetchWheels(
  wheels: Wheel[],
  folder: string,
  pip: Pip,
  options: { room: number; onProgress: (done: number, total: number, name: string) => void },
): Promise<void>;

/** The wheels that the folder does not hold yet. */
export function missingWheels(wheels: Wheel[], folder: string): Promise<Wheel[]>;

/** One pip command on exactly these wheels, by their hashes. */
export function runPip(
  command: string,
  wheels: Wheel[],
  options: string[],
  pip: Pip,
  failure: string,
): Promise<void>;

/** Bytes of wheels. */
export function sum(wheels: Wheel[]): number;

/** Unpacks a wheel into a folder. */
export function unpackWheel(wheel: string, into: string, pip: Pip): Promise<void>;
