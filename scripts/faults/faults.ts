// The faults that `npm run faults` plants, one at a time.
import { faultsInMethods } from "./in-methods.ts";
import { faultsInModels } from "./in-models.ts";
import { faultsInSharedThings } from "./in-shared-things.ts";
import { faultsInTraining } from "./in-training.ts";

export const faults = [...faultsInMethods, ...faultsInModels, ...faultsInTraining, ...faultsInSharedThings];
