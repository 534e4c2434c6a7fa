export { type BootstrapOptions, bootstrapInterval, type Interval } from "./bootstrap.ts";
export { accuracy, binaryF1, matthews } from "./classification.ts";
export { pearson, spearman } from "./correlation.ts";
