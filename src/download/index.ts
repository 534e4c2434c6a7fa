export type { DownloadHooks, DownloadProgress } from "./download-hooks.ts";
export { fetchModel } from "./fetch-model.ts";
export { downloadBytes, type ListedModel, listedModels, quickstartModel } from "./listed-models.ts";
export { cachedHubModels, cachedModelPath, downloadHint, modelPath } from "./model-cache.ts";
