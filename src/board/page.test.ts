import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runFiles } from "../run/run-files.ts";
import { accessibilityProblems, findChromium, fits, openPage, startBrowser } from "../testing/browser.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { required } from "../util/elements.ts";
import { type Board, startBoard } from "./board-server.ts";
import { finishedRun } from "./testing/example-run.ts";
import { eventually, slowTraining } from "./testing/slow-training.ts";

// The page in the system's Chromium.
const chromium = findChromium();
const inBrowser = test.skipIf(chromium === undefined);
if (chromium === undefined) console.log("skipped: there is no Chromium on the PATH");

const scratch = temporaryFolder();
let browser: Browser | undefined;
beforeAll(async () => {
  for (const name of ["first", "second"]) finishedRun(join(scratch.path, name), 60);
  if (chromium !== undefined) browser = await startBrowser(chromium);
});
afterAll(async () => {
  await browser?.close();
  scratch.remove();
});

const linkOf = ({ links }: Board) => required(links[0], "a link");

/** The board of a folder in a page. */
async function opened(folder = scratch.path, options: Parameters<typeof openPage>[2] = {}) {
  const board = await startBoard({ folder, host: "127.0.0.1", port: 0 });
  const { page, complaints } = await openPage(required(browser, "a browser"), linkOf(board), options);
  const close = async () => {
    await page.close();
    await board.close();
    expect(complaints).toEqual([]);
  };
  return { board, page, close };
}

inBrowser("runs are compared in one chart, each in its colour, with the values as a table", async () => {
  const { page, close } = await opened();
  await page.getByRole("checkbox", { name: /^first/ }).check();
  await page.getByRole("checkbox", { name: /^second/ }).check();
  const chart = page.getByRole("img", { name: /^Chart\. Training loss/ });
  await chart.and(page.getByRole("img", { name: /(?=.* first: )(?=.* second: )/ })).waitFor();
  await page.getByRole("img", { name: /^Chart\. Column length in steps/ }).waitFor();
  expect(await page.locator(".chart canvas").count()).toBeGreaterThan(5);
  // No legend is empty, although no pointer is on a chart.
  expect(await page.locator(".u-legend .u-value").allTextContents()).not.toContain("–");
  await page.getByText("Values", { exact: true }).first().click();
  const rows = page.locator(".values table tbody tr");
  await rows.first().waitFor();
  expect(await rows.count()).toBe(12);
  await page.getByRole("slider", { name: "Smoothing" }).fill("20");
  await page.getByText("Data, speed and settings").first().click();
  await page.getByText("Settings: adapter").first().waitFor();
  await fits(page);
  await close();
});

inBrowser("a run that is being trained is followed, paused and resumed with the keyboard alone", async () => {
  const folder = join(scratch.path, "live");
  const training = await slowTraining(join(folder, "run"));
  const { page, close } = await opened(folder);
  const steps = page.locator("tbody progress");
  const before = Number(await steps.getAttribute("value"));
  await eventually(async () => Number(await steps.getAttribute("value")) > before, "a further step");
  const said = page.getByRole("status");
  const pause = page.getByRole("button", { name: "Pause run" });
  for (let i = 0; i < 20 && !(await pause.evaluate((button) => button.matches(":focus"))); i += 1)
    await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await said.getByText("run is paused.").waitFor();
  // The button that had the focus still has it.
  await page.keyboard.press("Space");
  await said.getByText("run is running.").waitFor();
  await training.end();
  await page.locator(".state.interrupted").first().waitFor();
  expect(await page.getByRole("button").count()).toBe(0);
  await close();
});

inBrowser("the page finds a board that was started again", async () => {
  const { board, page, close } = await opened();
  await page.locator(".chart canvas").first().waitFor();
  await board.close();
  await page.getByText("The board does not answer.").first().waitFor();
  const { port } = new URL(linkOf(board));
  const again = await startBoard({ folder: scratch.path, host: "127.0.0.1", port: Number(port) });
  await page.getByText("Live, from").waitFor();
  await page.getByRole("status").getByText("The board answers again.").waitFor();
  await again.close();
  await close();
});

inBrowser(
  "beyond this machine the printed link opens the page, and the token leaves the address",
  async () => {
    const board = await startBoard({ folder: scratch.path, host: "0.0.0.0", port: 0 });
    const link = new URL(linkOf(board));
    link.hostname = "127.0.0.1";
    // The link may be on another site, such as a terminal in the browser.
    const mail = `data:text/html,<a href="${link.href}">the board</a>`;
    const { page, complaints } = await openPage(required(browser, "a browser"), mail);
    await page.getByRole("link").click();
    await page.locator(".chart canvas").first().waitFor();
    expect(new URL(page.url()).search).toBe("");
    const stranger = await openPage(required(browser, "a browser"), new URL("/", link).href);
    expect(await stranger.page.textContent("body")).toContain("Open the link");
    await stranger.page.close();
    await page.close();
    await board.close();
    expect(complaints).toEqual([]);
  },
);

inBrowser("wide or narrow, light or dark: nothing sticks out, and axe finds no barrier", async () => {
  const { page, close } = await opened();
  await page.locator(".chart canvas").first().waitFor();
  await page.getByText("Samples", { exact: true }).waitFor();
  const colours = { light: "rgb(255, 255, 255)", dark: "rgb(20, 23, 28)" };
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      expect(background).toBe(colours[colorScheme]);
      await fits(page);
      expect(await accessibilityProblems(page)).toEqual([]);
    }
  await close();
});

inBrowser("a run that cannot be read says so, and the others are shown", async () => {
  const folder = join(scratch.path, "broken");
  for (const name of ["newer", "sound"]) finishedRun(join(folder, name), 3);
  writeFileSync(join(folder, "newer", runFiles.status), '{"version": 9}');
  writeFileSync(join(folder, "newer", runFiles.events), '{"type":"format","step":0,"version":9}\n');
  const { page, close } = await opened(folder);
  await page.getByRole("checkbox", { name: /^newer/ }).check();
  await page.getByText("A newer scalora wrote this run's record").first().waitFor();
  await page.locator(".chart canvas").first().waitFor();
  await close();
});

inBrowser("an empty folder says what will appear there", async () => {
  const { page, close } = await opened(join(scratch.path, "nothing"));
  await page.getByText("They appear here when they start.").waitFor();
  await close();
});
