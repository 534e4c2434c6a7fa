// The shape of bench/gpu.sh as JSON, for the peer: `print-shape.ts [--tiny]`.
import { shapeOf, targetModules } from "./shapes.ts";

console.log(JSON.stringify({ ...shapeOf(process.argv.includes("--tiny")), targetModules }));
