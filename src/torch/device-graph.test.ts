// Graphs of the second device, an imitation of CUDA's: what a recording bakes in, and what it refuses.
import { expect, test } from "vitest";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import { mapTuple } from "../util/elements.ts";
import * as torch from "./index.ts";
import { useSecondDevice } from "./second-device.ts";

checkTensorLeaks();
const device = useSecondDevice();

const vector = (...values: number[]) =>
  torch.fromData(Float32Array.from(values), [values.length], { device });

test("a recording does nothing, and each replay does all of it", () => {
  torch.scope(() => {
    const [x, sum] = [vector(1, 2), vector(10, 20)];
    using graph = torch.DeviceGraph.record(device, () => torch.scope(() => torch.add_(sum, torch.square(x))));
    expect([...sum.toFloats()]).toEqual([10, 20]);
    expect(graph.replay()).toBe(true);
    expect([...sum.toFloats()]).toEqual([11, 24]);
    torch.copy_(x, vector(3, 0));
    graph.replay();
    graph.replay();
    expect([...sum.toFloats()]).toEqual([29, 24]);
  });
});

test("numbers of the host, shapes and the number of operators are those of the recording", () => {
  torch.scope(() => {
    const [x, out] = [vector(1, 2, 3), vector(0, 0, 0)];
    let [factor, count] = [2, 1];
    using graph = torch.DeviceGraph.record(device, () =>
      torch.scope(() => {
        for (let i = 0; i < count; i++) torch.copy_(out, torch.mulScalar(x, factor));
        torch.mulScalar_(torch.narrow(out, 0, 0, count), 10);
      }),
    );
    [factor, count] = [5, 3];
    graph.replay();
    expect([...out.toFloats()]).toEqual([20, 4, 6]);
  });
});

test("backward passes are recorded with their threads, and add to gradients in their places", () => {
  torch.scope(() => {
    const weight = vector(1, 2).setRequiresGrad(true);
    const [x, gradient, loss] = [vector(3, 4), vector(0, 0), torch.zeros([], { device })];
    weight.setGrad(gradient);
    using graph = torch.DeviceGraph.record(device, () =>
      torch.scope(() => {
        const sum = torch.sum(torch.mul(torch.square(weight), x));
        sum.backward();
        torch.noGrad(() => torch.copy_(loss, torch.detach(sum)));
      }),
    );
    expect([...gradient.toFloats(), loss.item()]).toEqual([0, 0, 0]);
    graph.replay();
    graph.replay();
    expect([...gradient.toFloats(), loss.item()]).toEqual([12, 32, 19]);
  });
});

test("what the recording made is overwritten before a replay: nothing but tensors from before it may be read", () => {
  torch.scope(() => {
    const x = vector(1, 2);
    let made: torch.Tensor | undefined;
    using graph = torch.DeviceGraph.record(device, () => {
      made = torch.empty([2], { dtype: "float32", device });
      torch.copy_(torch.narrow(made, 0, 0, 1), torch.narrow(x, 0, 0, 1));
    });
    graph.replay();
    expect([...(made?.toFloats() ?? [])]).toEqual([1, Number.NaN]);
  });
});

test("a replay is refused where a tensor, or its gradient, is gone or has moved", () => {
  torch.scope(() => {
    const out = vector(0, 0);
    const record = (x: torch.Tensor) =>
      torch.DeviceGraph.record(device, () =>
        torch.scope(() => torch.copy_(out, torch.square(torch.detach(x)))),
      );
    const gone = vector(1, 2);
    using ofGone = record(gone);
    gone.dispose();
    expect(ofGone.replay()).toBe(false);
    const leaf = vector(1, 2).setRequiresGrad(true);
    leaf.setGrad(vector(0, 0));
    using ofLeaf = record(leaf);
    expect(ofLeaf.replay()).toBe(true);
    leaf.setGrad(vector(0, 0));
    expect(ofLeaf.replay()).toBe(false);
    expect([...out.toFloats()]).toEqual([1, 4]);
  });
});

const refused: [string, (x: torch.Tensor) => unknown, string][] = [
  ["reading a number", (x) => torch.sum(x).item(), "aten::_local_scalar_dense"],
  ["reading a tensor", (x) => x.toFloats(), "copy to the host"],
  ["a result of unknown size", (x) => torch.dispatch("aten::nonzero", "", x), "aten::nonzero"],
  ["numbers of the host", () => vector(1), "a replay would not see new ones"],
  ["a copy from the CPU", (x) => torch.copy_(x, torch.zeros([2], { device: "cpu" })), "copy from the host"],
  ["another recording", () => torch.DeviceGraph.record(device, () => {}), "being recorded already"],
];

test.each(refused)("a recording refuses %s, and nothing of it has happened", (_, work, message) => {
  torch.scope(() => {
    const [x, sum] = [vector(1, 2), vector(10, 20)];
    expect(() =>
      torch.DeviceGraph.record(device, () =>
        torch.scope(() => {
          torch.add_(sum, x);
          work(x);
        }),
      ),
    ).toThrow(message);
    expect([...sum.toFloats()]).toEqual([10, 20]);
    using graph = torch.DeviceGraph.record(device, () => torch.add_(sum, x));
    expect(graph.replay()).toBe(true);
    expect([...sum.toFloats()]).toEqual([11, 22]);
  });
});

test("after a refusal a recording refuses all else, and does not end as if nothing were", () => {
  torch.scope(() => {
    const x = vector(1, 2);
    const refusals: string[] = [];
    const attempt = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        refusals.push(String(error));
      }
    };
    attempt(() =>
      torch.DeviceGraph.record(device, () => {
        attempt(() => x.toFloats());
        attempt(() => torch.scope(() => void torch.square(x)));
      }),
    );
    expect(refusals).toEqual([
      expect.stringContaining("copy to the host"),
      expect.stringContaining("because of an earlier one"),
      expect.stringContaining("because of an earlier one"),
    ]);
  });
});

test("a recording refuses random numbers", () => {
  torch.scope(() => {
    const x = vector(1, 2);
    using generator = new torch.Generator(1, device);
    expect(() => torch.DeviceGraph.record(device, () => torch.normal_(x, { generator }))).toThrow(
      "random numbers",
    );
    expect([...x.toFloats()]).toEqual([1, 2]);
  });
});

test("a graph keeps its memory, and gives it back", () => {
  torch.scope(() => {
    const held = () => torch.deviceMemory(device)?.tensors ?? expect.fail("no count");
    const x = torch.zeros([1000], { device });
    const before = held();
    const graph = torch.DeviceGraph.record(device, () =>
      torch.scope(() => void torch.square(torch.square(x))),
    );
    expect(held() - before).toBeGreaterThanOrEqual(8000);
    graph.dispose();
    expect(held()).toBe(before);
    expect(() => graph.replay()).toThrow("disposed");
  });
});

test("only work of a GPU can be recorded, and CUDA's only where it is", () => {
  expect(() => torch.DeviceGraph.record("cpu", () => {})).toThrow("only work of a GPU");
  if (torch.cudaDevices() === 0) expect(() => torch.DeviceGraph.record("cuda:0", () => {})).toThrow(/CUDA/);
});

test("each operator of a network gives when replayed what it gives when called", () => {
  torch.scope(() => {
    using generator = new torch.Generator(3, device);
    const draw = (...shape: number[]) => torch.toDType(torch.randn(shape, { generator, device }), "bfloat16");
    const [x, A, B] = mapTuple(
      [
        [7, 16],
        [24, 2],
        [16, 2],
      ],
      (shape) => draw(...shape).setRequiresGrad(true),
    );
    const [W, norm] = [draw(24, 16), draw(24)];
    const out = torch.zeros([7, 3, 8], { dtype: "bfloat16", device });
    const starts = torch.fromData(Int32Array.of(0, 3, 7), [3], { device });
    for (const leaf of [x, A, B]) leaf.setGrad(torch.zerosLike(leaf));
    const work = () =>
      torch.scope(() => {
        const y = torch.rmsNorm(torch.loraLinear(x, W, A, B, 0.5), [24], { weight: norm, eps: 1e-5 });
        const heads = torch.reshape(y, [7, 3, 8]);
        const [attended] = torch.flashAttentionForward(heads, heads, heads, 4, 4, 0, true, false, {
          cumSeqQ: starts,
          cumSeqK: starts,
          scale: 0.4,
        });
        torch.sum(torch.square(attended), { dtype: "float32" }).backward();
        torch.noGrad(() => torch.copy_(out, torch.detach(attended)));
      });
    const results = () => [out, ...[x, A, B].map(({ grad }) => grad)].map((tensor) => tensor?.toFloats());
    work();
    const expected = results();
    using graph = torch.DeviceGraph.record(device, work);
    expect(results()).toEqual(expected);
    for (const { grad } of [x, A, B]) if (grad) torch.zero_(grad);
    torch.zero_(out);
    graph.replay();
    expect(results()).toEqual(expected);
  });
});
