/** Progress of a download. */
export interface DownloadProgress {
  /** Bytes. */
  readonly done: number;
  readonly total: number;
  /** The model or file. */
  readonly what: string;
}

export interface DownloadHooks {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  onProgress(progress: DownloadProgress): void;
  /** Called with notes for the user. */
  onNote(text: string): void;
}
