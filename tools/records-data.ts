// Writes the quickstart's customer messages and their JSON records as files of chats, for comparisons on them.
//   npm run tool -- tools/records-data.ts FOLDER SEED   (train.jsonl, validation.jsonl and test.jsonl; the folder is emptied of an earlier quickstart)
import { prepareFolder } from "../src/quickstart/output-folder.ts";
import { recordsDemo } from "../src/quickstart/records/demo.ts";

const [folder = "", seedText = ""] = process.argv.slice(2);
if (!/^\d+$/.test(seedText)) {
  console.error("usage: npm run tool -- tools/records-data.ts FOLDER SEED");
  process.exit(2);
}
console.log(prepareFolder(folder, recordsDemo("").makeExercises(Number(seedText))));
