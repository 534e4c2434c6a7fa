// A vitest reporter that names every test that was skipped, failed or had to be tried again, with the reason, and closes with one plain line of counts.
import type { TestModule, Vitest } from "vitest/node";

/** The methods of a vitest reporter that are used here. */
export default class PlainReporter {
  /** Tests that `-t NAME` leaves out are not skipped tests. */
  private filtered = false;

  onInit(vitest: Vitest) {
    this.filtered = vitest.config.testNamePattern !== undefined;
  }

  /** @param unhandled errors outside any test */
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]) {
    let [passed, skipped, triedAgain] = [0, 0, 0];
    const failures = unhandled.map((error) => `outside any test: ${reasonOf(error)}`);
    for (const module of modules) {
      const before = failures.length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        const tries = 1 + (test.diagnostic()?.retryCount ?? 0);
        if (result.state === "passed") {
          passed += 1;
          if (tries > 1) {
            triedAgain += 1;
            console.log(`passed at try ${tries}: ${name}: ${reasonOf(result.errors?.[0])}`);
          }
        } else if (result.state === "failed") failures.push(`${name}: ${reasonOf(result.errors[0])}`);
        else if (!this.filtered) {
          skipped += 1;
          // The reason is the note given to `context.skip`, else what the test's own name says.
          const note = "note" in result ? result.note : undefined;
          console.log(`skipped: ${name}${note === undefined ? "" : ` (${note})`}`);
        }
      }
      // A file that cannot be read has no tests to fail.
      if (failures.length === before && module.state() === "failed")
        failures.push(`${module.relativeModuleId}: ${reasonOf(module.errors()[0])}`);
    }
    for (const failure of failures) console.log(`failed: ${failure}`);
    const again = triedAgain > 0 ? `, ${triedAgain} tried again` : "";
    console.log(`${passed} passed, ${failures.length} failed, ${skipped} skipped${again}`);
  }
}

/** The first line of an error. */
function reasonOf(error: unknown): string {
  const hasMessage = typeof error === "object" && error !== null && "message" in error;
  return String(hasMessage ? error.message : error)
    .trim()
    .split("\n", 1)
    .join("");
}
