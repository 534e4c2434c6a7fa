import { join } from "node:path";
import { loadPlugins } from "../config/index.ts";
import { findTextTask, readTaskExamples } from "../eval/tasks/index.ts";
import { ConfigError } from "../schema/config-error.ts";
import type { ConfigIssue, KeyPath } from "../schema/config-issue.ts";
import { ScaloraError } from "../util/errors.ts";
import type { CompareRequest } from "./compare-request.ts";
import { findMethod, type Setting } from "./method-settings.ts";
import { keyIssue, type PlanCell, placeIn, trialIssues } from "./plan-issues.ts";
import { type PlanFile, recipeName, type SplitSetting, settingFor } from "./read-plan.ts";
import { checkTrial, trialPlan } from "./run-trial.ts";
import { makeSeedSets } from "./seed-sets.ts";
import { pendingTrials } from "./selection.ts";
import { splitSweep } from "./sweep-options.ts";
import { reservedKeyIssue } from "./trial-overrides.ts";
import { fileNameOf, type SeedSets } from "./trials.ts";

/** What a plan is run with; the rest is in the plan. */
export interface PlanRequest extends Pick<CompareRequest, "set" | "out" | "jobs" | "command"> {
  /** Name of the plan, for the page. */
  readonly name: string;
  readonly plan: PlanFile;
  /** In place of the plan's. */
  readonly seeds?: readonly number[] | undefined;
  readonly tuningSeeds?: readonly number[] | undefined;
}

/** The comparison of one of a plan's recipes, and what the plan's table calls it. */
export type RecipeRequest = CompareRequest & { readonly name: string };

/**
 * Checks a plan with its recipes, settings and tasks, as far as the first row of their data; nothing is run or written.
 * @returns the comparison of each recipe
 * @throws ConfigError with all that is wrong, by the plan's keys; the signal's reason
 */
export async function checkPlan(request: PlanRequest, signal: AbortSignal): Promise<RecipeRequest[]> {
  const check = new PlanCheck(request);
  check.checkOverrides();
  await check.loadPlugins();
  check.checkSettings();
  const requests = check.checkRecipes();
  await check.checkTasks(signal);
  check.throwIssues();
  return requests;
}

/** Keys of a plan on which it depends whether its seeds go together. */
const seedKeys: readonly unknown[] = ["seeds", "tuningSeeds", "settings"];

/** What is wrong with the data of a task, with the file and its line. */
function taskIssue(error: unknown, file: PlanFile): ConfigIssue {
  const issue = keyIssue(error, file, ["tasks", "data"]);
  const place = error instanceof ScaloraError ? error.where : undefined;
  return { ...issue, found: [place, issue.found].filter((part) => part !== undefined).join(": ") };
}

class PlanCheck {
  private readonly request: PlanRequest;
  private readonly file: PlanFile;
  /** Overrides of the recipes: those of the plan, then those of the command line. */
  private readonly set: readonly string[];
  private readonly issues: ConfigIssue[];
  /** Recipes that cannot be read, by their indexes: what comes of that is not reported as well. */
  private readonly unread = new Set<number>();
  /** Settings with a method that exists and with sound sweeps. */
  private readonly settings: SplitSetting[] = [];

  constructor(request: PlanRequest) {
    this.request = request;
    this.file = request.plan;
    this.issues = [...request.plan.issues];
    this.set = [...request.plan.plan.set, ...request.set];
  }

  throwIssues(): void {
    // The same key may be wrong for several methods, which expect different ones.
    const different = new Map(
      this.issues.map((issue) => [
        JSON.stringify([issue.where, issue.key, issue.problem, issue.found]),
        issue,
      ]),
    );
    if (different.size > 0) throw new ConfigError(this.file.path, [...different.values()]);
  }

  checkOverrides(): void {
    for (const [index, override] of this.file.plan.set.entries()) {
      const issue = reservedKeyIssue(override, true);
      if (issue !== undefined)
        this.issues.push({ ...placeIn(this.file, ["set", index]), found: override, ...issue });
    }
    for (const override of this.request.set) {
      const issue = reservedKeyIssue(override, true);
      if (issue !== undefined) this.issues.push({ where: `--set ${override}`, key: "--set", ...issue });
    }
  }

  async loadPlugins(): Promise<void> {
    const { set } = this;
    for (const [index, recipe] of this.file.plan.recipes.entries())
      try {
        await loadPlugins(recipe, { set });
      } catch (error) {
        this.unread.add(index);
        this.issues.push(...trialIssues(error, this.file, { recipe: index, set }));
      }
  }

  checkSettings(): void {
    const folders = new Map<string, string>();
    for (const [name, { method, adapter, lr }] of Object.entries(this.file.plan.settings)) {
      this.checkFolder(name, folders);
      const known = this.try(() => findMethod(method, name), ["settings", name, "method"]);
      const section = this.try(() => splitSweep(adapter, name), ["settings", name, "adapter"]);
      if (known !== undefined && section !== undefined) this.settings.push({ name, method, lr, ...section });
    }
  }

  /** @param folders names of earlier settings by what their runs are called, in lower case as some file systems compare them */
  private checkFolder(name: string, folders: Map<string, string>): void {
    const folder = fileNameOf(name).toLowerCase();
    const other = folders.get(folder);
    folders.set(folder, name);
    if (other === undefined) return;
    this.issues.push({
      ...placeIn(this.file, ["settings", name]),
      problem: `would share its runs' folders with the setting ${JSON.stringify(other)}`,
      found: JSON.stringify(name),
      fix: "give it another name: one that differs in more than spaces, punctuation and upper case",
    });
  }

  checkRecipes(): RecipeRequest[] {
    // Checked against what stands in for a wrong value, seeds would have problems that are none.
    const areSeedsKnown = !this.issues.some(({ path: [key] = [] }) => seedKeys.includes(key));
    return [...this.file.plan.recipes.entries()].flatMap(([index, recipe]) =>
      this.unread.has(index) ? [] : this.checkRecipe(recipe, index, areSeedsKnown),
    );
  }

  private checkRecipe(recipe: string, index: number, areSeedsKnown: boolean): RecipeRequest {
    const { request, set } = this;
    const { plan } = this.file;
    const settings = this.settings.map((setting) => {
      const cell = { recipe: index, setting: setting.name, set };
      // Without a rate in the recipe, the other keys can be checked nevertheless.
      const withoutRate = () => settingFor({ ...setting, lr: 1 }, recipe, set);
      return this.tryTrial(() => settingFor(setting, recipe, set), cell) ?? withoutRate();
    });
    const name = recipeName(recipe);
    const { out, jobs, command } = request;
    const seedSets = this.seedSets(settings, areSeedsKnown);
    const tasks = plan.tasks && { ...plan.tasks, seeds: seedSets.seeds };
    const comparison = {
      name,
      recipe,
      set,
      settings,
      out: join(out, name),
      jobs,
      command,
      tasks,
      ...seedSets,
    };
    this.checkTrials(comparison, index);
    return comparison;
  }

  private seedSets(settings: readonly Setting[], areKnown: boolean): SeedSets {
    const { request, file } = this;
    const seeds = request.seeds ?? file.plan.seeds;
    const tuningSeeds = request.tuningSeeds ?? file.plan.tuningSeeds;
    const unchecked = { seeds, tuningSeeds: seeds };
    if (!areKnown) return unchecked;
    const isOption = request.tuningSeeds !== undefined;
    const place = isOption ? "--tuning-seeds" : "tuningSeeds";
    const sets = this.try(
      () => makeSeedSets(seeds, tuningSeeds, settings, place),
      ["tuningSeeds"],
      isOption ? place : undefined,
    );
    return sets ?? unchecked;
  }

  /** Checks the trials of a recipe; of errors that are not its keys', such as runs of another recipe, only the first. */
  private checkTrials(comparison: RecipeRequest, recipe: number): void {
    const { set } = this;
    const plan = trialPlan(comparison);
    for (const trial of pendingTrials(comparison.settings, comparison, [])) {
      try {
        checkTrial(trial, plan);
      } catch (error) {
        this.issues.push(...trialIssues(error, this.file, { recipe, setting: trial.setting.name, set }));
        if (!(error instanceof ConfigError)) return;
      }
    }
  }

  async checkTasks(signal: AbortSignal): Promise<void> {
    const { tasks } = this.file.plan;
    if (tasks === undefined) return;
    for (const [index, name] of tasks.names.entries()) {
      const task = this.try(() => findTextTask(name), ["tasks", "names", index]);
      if (task === undefined) continue;
      try {
        await readTaskExamples(task, [tasks.data].flat(), { split: "test", limit: 1, signal });
      } catch (error) {
        signal.throwIfAborted();
        this.issues.push(taskIssue(error, this.file));
      }
    }
  }

  /** The result of a check; what it refuses goes to the problems, under a key of the plan or an option in its place. */
  private try<T>(check: () => T, key: KeyPath, option?: string): T | undefined {
    try {
      return check();
    } catch (error) {
      const issue = keyIssue(error, this.file, key);
      this.issues.push({ ...issue, where: option ?? issue.where });
      return undefined;
    }
  }

  private tryTrial<T>(check: () => T, cell: PlanCell): T | undefined {
    try {
      return check();
    } catch (error) {
      this.issues.push(...trialIssues(error, this.file, cell));
      return undefined;
    }
  }
}
