// npm run tool tools/page-picture.ts -- PAGE PICTURE [--width 1280] [--height 1000] [--dark] [--chromium PATH] [--chart TITLE]: a
// picture of the first screen of a page (a file such as a report, or an address such as the board's), or of one of its charts, as
// in docs/images.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    width: { type: "string", default: "1280" },
    height: { type: "string", default: "1000" },
    dark: { type: "boolean", default: false },
    chart: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
const [page = "", picture = ""] = positionals;
const browser = await chromium.launch({ executablePath: values.chromium, args: ["--no-sandbox"] });
try {
  const viewport = { width: Number(values.width), height: Number(values.height) };
  const opened = await browser.newPage({ viewport, colorScheme: values.dark ? "dark" : "light" });
  await opened.goto(/^https?:/.test(page) ? page : pathToFileURL(resolve(page)).href);
  await opened.locator(".chart canvas").first().waitFor();
  const heading = opened.getByRole("heading", { name: values.chart ?? "", exact: true });
  const shown = values.chart === undefined ? opened : opened.locator(".card", { has: heading });
  await shown.screenshot({ path: picture });
} finally {
  await browser.close();
}
