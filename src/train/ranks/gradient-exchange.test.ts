// Ranks as processes of their own (testing/exchange-rank.ts).
import { expect, it } from "vitest";
import { runChild } from "../../testing/child-process.ts";
import { freePort } from "../../util/free-port.ts";

const program = new URL("testing/exchange-rank.ts", import.meta.url);

it.each([1, 3])(
  "%i ranks add up gradients in buckets as one process does, and while the backward pass goes on",
  async (size) => {
    const port = await freePort();
    const ended = await Promise.all(
      Array.from({ length: size }, (_, rank) => runChild(program, `${port}`, `${rank}`, `${size}`)),
    );
    for (const { code, stdout, stderr } of ended) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const { differing, messages } = JSON.parse(stdout);
      expect(differing).toEqual(Array(22).fill([]));
      expect(messages).toEqual(["no memory", "an earlier collective of this process group failed"]);
    }
  },
  60_000,
);
