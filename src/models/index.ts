export type { ModelInfo } from "../nn/index.ts";
export {
  type ClassifierOptions,
  createClassifier,
  isClassifierFolder,
  loadClassifier,
} from "./classifiers.ts";
export { describeModelForGguf, modelFamilies } from "./families.ts";
export { createModel, type LoadOptions, loadModel } from "./load-model.ts";
export { parametersToSave, type SaveOptions, saveModel, saveModelWithConfig } from "./save-model.ts";
export type { LoadDType, Quantization } from "./weight-loader.ts";
