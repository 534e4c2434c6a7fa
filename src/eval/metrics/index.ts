export { accuracy, binaryF1, matthewsCorrelation } from "./classification.ts";
export { pearson, spearman } from "./correlation.ts";
