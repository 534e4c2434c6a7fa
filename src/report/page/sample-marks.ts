/** What the marks of samples say, in reports and on the board. */
export const sampleMarks = { right: "✓ as the reference", wrong: "✗ differs from the reference" };
