import type { Environment, RuntimeValue, SyntaxNode } from "@huggingface/jinja";
import { formatCount } from "../util/format.ts";
import { isRecord } from "../util/json.ts";
import { PythonInterpreter, ReadyNode } from "./python-interpreter.ts";

type Node = SyntaxNode | undefined;

/** Steps of one rendering. The published templates take about 75 a message. */
const maxSteps = 500_000;
/** A text of so many characters costs a step wherever it is written or read. */
const charactersPerStep = 32;
/** Cost of one loop iteration in addition to its statements. */
const stepsPerPass = 4;
/** Milliseconds of CPU time of one rendering, for what the steps do not count: on a busy machine the clock runs ahead of it. */
const maxTime = 2000;

/** Milliseconds of CPU time of the process. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
/** Characters of any value written out; an entry of a list or an object counts as `entrySize`. */
const maxSize = 1 << 22;
const entrySize = 64;
/** Characters that `replace`, `join`, `indent` and `tojson` may write: size of their operand × weight of their arguments. */
const maxExpansion = 1 << 26;
/** Levels of lists and objects. */
const maxDepth = 100;
/** Levels of statements, expressions and macros that call each other. */
const maxCalls = 500;

/** A rendering did more than a chat template may. */
export class TemplateLimitError extends Error {}

/** Whether a limit was reached; the engine's own, on the depth of calls and the length of texts, are RangeErrors. */
export const isLimit = (error: unknown): error is Error =>
  error instanceof TemplateLimitError || error instanceof RangeError;

/** An expression whose parts are being evaluated. */
interface Frame {
  readonly node: Node;
  /** The arguments of a call or a filter. */
  readonly argumentNodes: ReadonlySet<unknown>;
  /** Size of the operand of a filter or a string method. */
  operandSize: number;
  argumentWeight: number;
}

/**
 * Jinja's interpreter for one rendering, with limits on its steps, its time and the size of every value: templates come with
 * models, and a hostile one must not take the process's memory or hold it for ever.
 */
export class TemplateInterpreter extends PythonInterpreter {
  private steps = 0;
  private calls = 0;
  private readonly deadline = performance.now() + maxTime;
  private readonly cpuDeadline = cpuTime() + maxTime;
  private frame: Frame | undefined;
  /** Sizes of lists and objects that cannot change. */
  private readonly fixedSizes = new WeakMap<object, number>();
  /** Lengths of the texts to which methods such as `replace` belong. */
  private readonly textLengths = new WeakMap<object, number>();

  /** The nodes within which a limit was reached, the innermost first. */
  readonly limitedIn: Node[] = [];

  /** @throws TemplateLimitError beyond a limit */
  override evaluate(node: Node, environment: Environment): RuntimeValue {
    if (node instanceof ReadyNode) return node.result;
    try {
      return this.evaluateWithin(node, environment);
    } catch (error) {
      if (isLimit(error)) this.limitedIn.push(node);
      throw error;
    }
  }

  private evaluateWithin(node: Node, environment: Environment): RuntimeValue {
    const parent = this.frame;
    const frame: Frame = { node, argumentNodes: argumentsOf(node), operandSize: 0, argumentWeight: 0 };
    this.frame = frame;
    let value: RuntimeValue;
    if (++this.calls > maxCalls) throw new TemplateLimitError(`calls nested more than ${maxCalls} deep`);
    try {
      value = super.evaluate(node, environment);
    } finally {
      this.frame = parent;
      this.calls--;
    }
    this.spend(1 + readingSteps(value));
    const size = this.sizeOf(value);
    if (size > maxSize)
      throw new TemplateLimitError(`a value has more than ${formatCount(maxSize)} characters`);
    if (isMember(node) && typeof value.value === "function") this.textLengths.set(value, frame.operandSize);
    if (parent !== undefined) this.addPart(parent, node, value, size);
    return value;
  }

  protected override spendOnText(length: number): void {
    this.spend(Math.floor(length / charactersPerStep));
  }

  protected override readonly spendStep = (): void => this.spend(1);

  private spend(steps: number): void {
    this.steps += steps;
    if (this.steps > maxSteps) throw new TemplateLimitError(`more than ${formatCount(maxSteps)} steps`);
    if (performance.now() > this.deadline && cpuTime() > this.cpuDeadline)
      throw new TemplateLimitError(`more than ${maxTime / 1000} s`);
  }

  /** Takes account of one part of an expression, before the interpreter combines them. */
  private addPart(frame: Frame, part: Node, value: RuntimeValue, size: number): void {
    const { node, argumentNodes } = frame;
    if (node?.type === "For") {
      if (isLoopedOver(node, part)) this.spend(stepsPerPass * lengthOf(value));
      return;
    }
    if (argumentNodes.has(part)) frame.argumentWeight += weightOf(value);
    else if (typeof value.value === "function") frame.operandSize = this.textLengths.get(value) ?? 0;
    else if (isFilter(node)) frame.operandSize += size;
    else if (isMember(node) && part === field(node, "object"))
      frame.operandSize = typeof value.value === "string" ? size : 0;
    const expansion = frame.operandSize * frame.argumentWeight;
    if (expansion > maxExpansion)
      throw new TemplateLimitError(`a text of up to ${formatCount(expansion)} characters`);
  }

  /** The size of a value written out: what it holds several times counts as often. */
  private sizeOf(value: RuntimeValue, depth = 0): number {
    const { value: content } = value;
    if (typeof content === "string") return content.length;
    if (!Array.isArray(content) && !(content instanceof Map)) return 1;
    if (depth > maxDepth) throw new TemplateLimitError(`values nested more than ${maxDepth} deep`);
    const known = this.fixedSizes.get(value);
    if (known !== undefined) return known;
    let size = 0;
    let isFixed = value.type !== "NamespaceValue";
    for (const item of content.values()) {
      size += entrySize + this.sizeOf(item, depth + 1);
      isFixed &&= !hasEntries(item) || this.fixedSizes.has(item);
      if (size > maxSize) return size;
    }
    if (isFixed) this.fixedSizes.set(value, size);
    return size;
  }
}

const noArguments: ReadonlySet<unknown> = new Set();
const field = (node: unknown, name: string): unknown => (isRecord(node) ? node[name] : undefined);
const isMember = (node: Node) => node?.type === "MemberExpression";
const isFilter = (node: Node) => node?.type === "FilterExpression" || node?.type === "FilterStatement";
const hasEntries = ({ value }: RuntimeValue) => Array.isArray(value) || value instanceof Map;

/** The nodes of the values that a call, or a filter, is given. */
function argumentsOf(node: Node): ReadonlySet<unknown> {
  const call = node?.type === "CallExpression" ? node : (field(node, "filter") ?? field(node, "call"));
  const nodes = field(call, "args");
  if (!Array.isArray(nodes) || nodes.length === 0) return noArguments;
  return new Set(nodes.map((each) => valueNode(each)));
}

/** What is evaluated of an argument: of `name=value` the value, of `*list` the list. */
function valueNode(argument: unknown): unknown {
  const type = field(argument, "type");
  if (type === "KeywordArgumentExpression") return field(argument, "value");
  if (type === "SpreadExpression" || type === "KeywordSpreadExpression") return field(argument, "argument");
  return argument;
}

/** Whether a part of a `for` is what it goes through. */
function isLoopedOver(node: Node, part: Node): boolean {
  const iterable = field(node, "iterable");
  return part === (field(iterable, "type") === "SelectExpression" ? field(iterable, "lhs") : iterable);
}

function lengthOf({ value }: RuntimeValue): number {
  if (Array.isArray(value)) return value.length;
  return value instanceof Map ? value.size : 0;
}

/** Steps that reading or writing a value costs, its entries' own values aside. */
function readingSteps(value: RuntimeValue): number {
  const length = typeof value.value === "string" ? value.value.length : lengthOf(value);
  return Math.floor(length / charactersPerStep);
}

/** By how much an argument may multiply its operand: a number by itself, a text by its length. */
function weightOf({ value }: RuntimeValue): number {
  if (typeof value === "number") return Math.abs(value);
  if (typeof value === "string") return value.length;
  if (!Array.isArray(value) && !(value instanceof Map)) return 1;
  return [...value.values()].reduce((total, item) => total + weightOf(item), 0);
}
