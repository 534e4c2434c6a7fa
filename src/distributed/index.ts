export { type InitOptions, initProcessGroup } from "./init-process-group.ts";
export { describeLaunch, type Launch, type StoreAddress } from "./launch.ts";
export { readLaunch } from "./read-launch.ts";
