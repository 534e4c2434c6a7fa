export type { ModelInfo } from "../nn/index.ts";
export { isClassifierConfig } from "./classifier-families.ts";
export { type ModelDataLimits, readDataLimits } from "./data-limits.ts";
export { describeModelForGguf, modelFamilies } from "./families.ts";
export { type ClassifierOptions, createClassifier, loadClassifier } from "./load-classifier.ts";
export { createModel, type LoadOptions, loadModel } from "./load-model.ts";
export { MissingWeights, outlineModel } from "./outline-model.ts";
export { parametersToSave, type SaveOptions, saveModel, saveModelWithConfig } from "./save-model.ts";
export type { LoadDType, Quantization } from "./weight-loader.ts";
