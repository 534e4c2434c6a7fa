import { styleText } from "node:util";
import type { OutputStream } from "./output-stream.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Styles a text if the stream supports it. */
export type Paint = (style: Style, text: string) => string;

/**
 * The painter for a stream: plain text with a non-empty `NO_COLOR`, with `TERM=dumb`, and when the output is not a terminal.
 */
export function painter(stream: OutputStream, env: NodeJS.ProcessEnv): Paint {
  const coloured = stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return coloured
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}
