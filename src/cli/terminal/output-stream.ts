/** An output stream of the command line, or its stand-in for tests. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Failed writes; a stream of the process has it. */
  on?(event: "error", listener: (error: Error) => void): unknown;
}

/** The stream's width; `otherwise` for the 0 that some terminals report. */
export const terminalWidth = (stream: OutputStream, otherwise: number): number => stream.columns || otherwise;
