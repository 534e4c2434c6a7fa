export { type GlueData, readGlue, readGlueFiles, scoreGlue } from "./read-glue.ts";
