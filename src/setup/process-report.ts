// What the runtime reports of this process: its C library, and what is loaded.
interface Report {
  header?: { glibcVersionRuntime?: string };
  sharedObjects?: readonly string[];
}

/** The version of glibc; undefined on a system without it, and where the runtime does not tell. */
export function glibcVersion(): string | undefined {
  return report().header?.glibcVersionRuntime;
}

/** Files of the libraries that are loaded, in every thread; none where the runtime does not tell. */
export function loadedLibraries(): readonly string[] {
  return report().sharedObjects ?? [];
}

function report(): Report {
  const reporter: unknown = process.report;
  // Other runtimes than Node may lack it.
  if (typeof reporter !== "object" || reporter === null) return {};
  const before: unknown = Reflect.get(reporter, "excludeNetwork");
  try {
    // Looking up the names of open sockets takes seconds.
    Reflect.set(reporter, "excludeNetwork", true);
    return process.report.getReport();
  } catch {
    return {};
  } finally {
    Reflect.set(reporter, "excludeNetwork", before);
  }
}
