export { type BootstrapOptions, bootstrapInterval, type Interval } from "./bootstrap.js";
export { accuracy, binaryF1, matthews } from "./classification.js";
export { pearson, spearman } from "./correlation.js";
