/** How far a download is. */
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
  /** A remark for people. */
  onNote(text: string): void;
}
