/** How far a download is. */
export interface GetProgress {
  /** Bytes. */
  readonly done: number;
  readonly total: number;
  /** The model or file. */
  readonly what: string;
}

export interface GetHooks {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  onProgress(progress: GetProgress): void;
  /** A remark for people. */
  onNote(text: string): void;
}
