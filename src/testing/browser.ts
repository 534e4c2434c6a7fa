import { accessSync, constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

const names = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** The system's Chromium; undefined without one. */
export function findChromium(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts Chromium. As root it has no sandbox, and the pages are our own. */
export function startBrowser(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
}

interface Opened {
  width?: number;
  colorScheme?: "light" | "dark";
}

/** Opens a page; `complaints` collects what the browser refuses or throws. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, colorScheme = "light" }: Opened = {},
) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    // A server that is away is part of a test.
    if (message.type() === "error" && !message.text().includes("net::ERR")) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** Problems of a page for people with screen readers, weak sight or without a mouse, as axe finds them. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const require = createRequire(import.meta.url);
  await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  return page.evaluate(async () => {
    const { violations } = await Reflect.get(globalThis, "axe").run();
    return violations.map(
      ({ id, nodes }: { id: string; nodes: { html: string }[] }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`,
    );
  });
}

/** Expects that a page is no wider than the window, once the charts have their new width. */
export async function fits(page: Page): Promise<void> {
  const width = "document.documentElement.scrollWidth - innerWidth";
  await expect.poll(() => page.evaluate(width), { timeout: 10_000 }).toBe(0);
}
