export interface NamedTest {
  file: string;
  /** How the test's name begins. */
  name: string;
}

/** What `npm run faults` plants, and the test that it must turn red. */
export interface Fault {
  name: string;
  file: string;
  /** Occurs once in the file. */
  from: string;
  to: string;
  test: NamedTest;
}
