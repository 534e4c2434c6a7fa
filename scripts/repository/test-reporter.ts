// A vitest reporter that names every skipped test with its reason, and closes with one plain line of counts.
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
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      let failed = 0;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") counts.passed += 1;
        else if (result.state === "failed") failed += 1;
        else if (!this.filtered)
          counts.skipped += print(module, test.fullName, "note" in result ? result.note : undefined);
      }
      // A file that cannot be read has no tests to fail.
      counts.failed += failed === 0 && module.state() === "failed" ? 1 : failed;
    }
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

/** The reason is the note given to `context.skip`, else what the test's own name says. */
function print(module: TestModule, name: string, note: string | undefined) {
  console.log(`skipped: ${module.relativeModuleId} > ${name}${note === undefined ? "" : ` (${note})`}`);
  return 1;
}
