/** An output stream of the command line, or its stand-in for tests. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The stream's width; `otherwise` for the 0 that some terminals report. */
export const terminalWidth = (stream: TextStream, otherwise: number): number => stream.columns || otherwise;
