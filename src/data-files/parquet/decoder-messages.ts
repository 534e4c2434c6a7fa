/** A row, by column. */
export type TableRow = Readonly<Record<string, unknown>>;

/** What the decoding process answers: the next rows, what is wrong with the file, or that it is at its end. */
export type DecoderAnswer = { rows: TableRow[] } | { error: string } | { end: true };
