import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { finishedRun, recipe } from "../board/testing/example-run.ts";
import { readEvents } from "../run/read-events.ts";
import { accessibilityProblems, findChromium, fits, openPage, startBrowser } from "../testing/browser.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { required } from "../util/elements.ts";
import { runReport, writeReport } from "./index.ts";

// A report in the system's Chromium.
const chromium = findChromium();
if (chromium === undefined) console.log("skipped: there is no Chromium on the PATH");

const scratch = temporaryFolder();
const file = join(scratch.path, "report.html");
let browser: Browser | undefined;
beforeAll(async () => {
  finishedRun(join(scratch.path, "run"), 60);
  const columns = [
    "Method",
    "Exact sentences",
    "Right words",
    "Loss",
    "Trainable",
    "Time",
    "Peak memory",
    "Rank",
  ];
  const cells = [
    "scalora-i",
    "100.0 % [100.0, 100.0]",
    "100.0 % [100.0, 100.0]",
    "0.0024",
    "134,515,008",
    "43.4 s",
  ];
  writeReport(file, {
    ...runReport({ name: "run", events: readEvents(join(scratch.path, "run")) }, recipe),
    tables: [
      {
        title: "The methods on the test set",
        columns: [...columns, "Entropy rank"].map((title) => ({ title, align: "right" })),
        rows: [[...cells, "1,427.9 MiB", "75.0", "23.0"]],
      },
    ],
  });
  if (chromium !== undefined) browser = await startBrowser(chromium);
});
afterAll(async () => {
  await browser?.close();
  scratch.remove();
});

test.skipIf(chromium === undefined)(
  "a report is drawn, whole at 1280 and 400 pixels, without barriers, and light on paper",
  async () => {
    const { page, complaints } = await openPage(required(browser, "a browser"), pathToFileURL(file).href);
    expect(await page.locator(".chart canvas").count()).toBeGreaterThan(5);
    expect(await page.locator(".u-legend .u-value").allTextContents()).not.toContain("–");
    const table = "document.querySelector('.scroll')";
    expect(await page.evaluate(`${table}.scrollWidth - ${table}.clientWidth`)).toBe(0);
    for (const colorScheme of ["light", "dark"] as const)
      for (const width of [1280, 400]) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await fits(page);
        expect(await accessibilityProblems(page)).toEqual([]);
      }
    const label = () => page.getByRole("img", { name: /Training loss/ }).getAttribute("aria-label");
    const before = await label();
    await page.getByRole("slider", { name: "Smoothing" }).fill("20");
    expect(await label()).not.toBe(before);
    // The width of a sheet of A4 without its margins.
    await page.setViewportSize({ width: 690, height: 900 });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    await fits(page);
    const colour = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(await colour()).toBe("rgb(255, 255, 255)");
    await page.evaluate("dispatchEvent(new Event('afterprint'))");
    expect(await colour()).toBe("rgb(20, 23, 28)");
    expect(complaints).toEqual([]);
  },
);

/** Where pixels of the first line's colour are in a chart's canvas: their middle, as fractions of its width and height. */
const middleOfLine = `(() => {
  const canvas = document.querySelector(".chart canvas");
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--series-1");
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const found = Array.from({ length: width * height }, (_, i) => i)
    .filter((i) => data[4 * i] === r && data[4 * i + 1] === g && data[4 * i + 2] === b && data[4 * i + 3] === 255);
  const mean = (of) => found.reduce((sum, i) => sum + of(i), 0) / found.length;
  return { count: found.length, x: mean((i) => i % width) / width, y: mean((i) => Math.floor(i / width)) / height };
})()`;

test.skipIf(chromium === undefined).each([0, 100])(
  "a chart of one point, at step %d, has it in its middle",
  async (step) => {
    const line = { name: "run", x: [step], y: [2.5] };
    const chart = { title: "Held-out loss", xLabel: "step", yLabel: "nats", series: [line] };
    const page = join(scratch.path, `point-${step}.html`);
    writeReport(page, { title: "run", facts: [], charts: [chart], tables: [], samples: [] });
    const opened = await openPage(required(browser, "a browser"), pathToFileURL(page).href);
    const middle = z.object({ count: z.number(), x: z.number(), y: z.number() });
    const found = middle.parse(await opened.page.evaluate(middleOfLine));
    expect(found.count).toBeGreaterThan(15);
    // The axes' texts take room at the left and below.
    expect(found.x).toBeCloseTo(0.55, 1);
    expect(found.y).toBeCloseTo(0.4, 1);
    await opened.page.close();
  },
);
