// Many products with a transposed weight through oneDNN: run under a profiler by signals.test.ts.
import { fastLinear, fromData, noGrad, scope, setThreads, transpose, useGemmBackend } from "../index.ts";

setThreads(1);
useGemmBackend("onednn");
const x = fromData(new Float32Array(1024 * 172).fill(0.5), [1024, 172], { device: "cpu" });
const weight = fromData(new Float32Array(172 * 64).fill(0.5), [172, 64], { device: "cpu" });
noGrad(() => {
  for (let i = 0; i < 2000; i++) scope(() => void fastLinear(x, transpose(weight, 0, 1)));
});
