// `scalora setup`: sets up libtorch and the addon. Works before anything is compiled.
import { SetupError } from "./errors.ts";
import { ensureSetup } from "./setup.ts";

try {
  const { version, libtorch, addon } = await ensureSetup({ verify: true });
  console.log(`libtorch ${version} in ${libtorch}\naddon ${addon}`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`scalora: ${error.message}`);
  process.exitCode = error.exitCode;
}
