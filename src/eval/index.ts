export { streamText, type TextEnd, type TextOptions } from "./stream-text.js";
