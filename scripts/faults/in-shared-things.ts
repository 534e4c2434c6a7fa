// Faults in what is shared with others: locks, run folders, the board, and files and texts from anywhere.
import type { Fault } from "./fault.ts";

const boardServer = "src/board/board-server.test.ts";

export const faultsInSharedThings: Fault[] = [
  {
    name: "a lock taken from a live process",
    file: "src/util/locks/lock-holder.ts",
    from: 'if (life !== "unclear") return life;',
    to: 'if (life === "alive") return "gone";',
    test: { file: "src/util/locks/process-lock.test.ts", name: "a lock of this process is held too" },
  },
  {
    name: "a takeover that removes whatever is there",
    file: "src/util/locks/process-lock.ts",
    from: "for (const file of gone) rmSync(file, { force: true });",
    to: "for (const _ of gone) rmSync(path, { recursive: true, force: true });",
    test: { file: "src/util/locks/lock-takeover.test.ts", name: "whoever finds a lock without a holder" },
  },
  {
    name: "a heartbeat that nobody waits for",
    file: "src/util/locks/lock-holder.ts",
    from: 'return last === undefined ? "unclear" : "alive";',
    to: 'return "unclear";',
    test: {
      file: "src/util/locks/process-lock.test.ts",
      name: "the lock of another host with a heartbeat is held",
    },
  },
  {
    name: "a holder that writes on without its lock",
    file: "src/run/run-folder.ts",
    from: "this.assertHeld();\n      write();",
    to: "write();",
    test: { file: "src/run/run-folder.test.ts", name: "a run that another process has taken over" },
  },
  {
    name: "a board that answers without its token",
    file: "src/board/access.ts",
    from: "if (access.token !== null && !equals(",
    to: "if (access.token === null && !equals(",
    test: { file: boardServer, name: "beyond this machine nothing is answered without the token" },
  },
  {
    name: "a board that takes commands of other pages",
    file: "src/board/access.ts",
    from: 'request.method === "POST" && !isSameOrigin(request)',
    to: 'request.method === "POST" && request.headers.origin === undefined',
    test: { file: boardServer, name: "commands of other pages are refused" },
  },
  {
    name: "a board that answers to any name",
    file: "src/board/access.ts",
    from: "  if (isLoopback(access.host)) return false;\n",
    to: "  if (isLoopback(access.host)) return true;\n",
    test: { file: boardServer, name: "a name that is not this machine's is refused" },
  },
  {
    name: "a replaced record read on from the old place",
    file: "src/board/record-follower.ts",
    from: "    return found.equals(this.tail);",
    to: "    return found.length > 0 || this.offset === 0;",
    test: {
      file: "src/board/record-follower.test.ts",
      name: "a shorter, replaced or removed file is read anew",
    },
  },
  {
    name: "a half-written line taken for a whole one",
    file: "src/board/record-follower.ts",
    from: "this.setRest([...this.rest, piece.subarray(start)]);",
    to: 'this.collector.add(piece.subarray(start).toString("utf8"));',
    test: { file: "src/board/record-follower.test.ts", name: "a growing record is read on" },
  },
  {
    name: "a template beyond its limits blamed on the row",
    file: "src/chat-template/template-interpreter.ts",
    from: "error instanceof TemplateLimitError || error instanceof RangeError",
    to: "error instanceof RangeError",
    test: {
      file: "src/chat-template/template-interpreter.test.ts",
      name: "a range of a billion ends in an error that names the template",
    },
  },
  {
    name: "a decoding that never ends blamed on memory",
    file: "src/data-files/parquet/decode-process.ts",
    from: '"SIGXCPU"',
    to: '"SIGKILL"',
    test: {
      file: "src/data-files/parquet/read-parquet.test.ts",
      name: "a table whose decoding never ends is given up: case 0",
    },
  },
  {
    name: "C1 controls printed raw",
    file: "src/util/quote.ts",
    from: "\\u007f-\\u009f",
    to: "\\u007f",
    test: { file: "src/util/quote.test.ts", name: "control characters are written out" },
  },
];
