import { existsSync, readFileSync } from "node:fs";

/** The rows that earlier runs of a bench have appended to a file, one a line; none where there is no such file. */
export const keptRows = <Row>(path: string): Row[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line): Row => JSON.parse(line))
    : [];
