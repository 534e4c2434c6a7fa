const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * Holds back the last grapheme (a letter with its accents, a flag, a joined emoji) until the next one begins: later characters
 * may still belong to it.
 */
export class GraphemeBuffer {
  private held = "";

  push(piece: string): string {
    if (piece === "") return "";
    const text = this.held + piece;
    const last = graphemes.segment(text).containing(text.length - 1);
    const start = endsGrapheme(text) ? text.length : (last?.index ?? 0);
    this.held = text.slice(start);
    return text.slice(0, start);
  }

  flush(): string {
    return this.held;
  }
}

/** Whether a text ends with a line feed, which no grapheme extends. */
function endsGrapheme(text: string): boolean {
  return text.endsWith("\n");
}
