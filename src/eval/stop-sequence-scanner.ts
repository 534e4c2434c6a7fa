import { internalError } from "../util/errors.ts";

/** Ends a text at the first stop string, holding back text that may be the beginning of one. */
export class StopSequenceScanner {
  private readonly stops: readonly string[];
  private held = "";
  private found = false;

  /** @param stops none of them empty */
  constructor(stops: readonly string[]) {
    if (stops.includes("")) throw internalError("an empty stop string");
    this.stops = stops;
  }

  /** Whether a stop string was found, which ends the text. */
  get stopped(): boolean {
    return this.found;
  }

  /** Adds text. @returns the text that cannot belong to a stop string */
  push(piece: string): string {
    const text = this.held + piece;
    const places = this.stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
    this.found = places.length > 0;
    const certain = this.found ? Math.min(...places) : text.length - this.partialMatchLength(text);
    this.held = this.found ? "" : text.slice(certain);
    return text.slice(0, certain);
  }

  flush(): string {
    return this.held;
  }

  /** Length of the longest end of the text that is a beginning of a stop string. */
  private partialMatchLength(text: string): number {
    const longest = Math.max(0, ...this.stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, text.length); length > 0; length--) {
      const end = text.slice(-length);
      if (this.stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
