import {
  type BinaryNode,
  Environment,
  type FilterNode,
  type ForNode,
  Interpreter,
  type MacroNode,
  type MemberNode,
  type RuntimeValue,
  type SyntaxNode,
  type TestNode,
} from "@huggingface/jinja";
import { itemsOf, pythonFilters } from "./python-filters.ts";
import { combine, pythonTests, typeName } from "./python-operators.ts";
import { characterAt, textMethods } from "./python-strings.ts";
import { pythonStr } from "./python-text.ts";
import {
  booleanValue,
  functionValue,
  isMapping,
  isText,
  isUndefined,
  listValue,
  textValue,
  undefinedValue,
  withPairs,
} from "./runtime-values.ts";

/** A value in the place of the expression that it was made by, which is so evaluated once. */
export class ReadyNode implements SyntaxNode {
  readonly type = "Ready";
  readonly result: RuntimeValue;

  constructor(result: RuntimeValue) {
    this.result = result;
  }
}

/** A `for` that is being rendered. */
interface Loop {
  readonly node: ForNode;
  /** What its passes have written. */
  text: string;
}

/** A `break` or `continue` on its way to its loop. */
interface Interruption {
  readonly error: unknown;
  /** What the pass has written before it. */
  text: string;
}

/** Methods of mappings in Python, which an attribute of that name is, whatever keys there are. */
const mappingMethods: ReadonlySet<string> = new Set(["get", "items", "keys", "values"]);
const otherMappingMethods: ReadonlySet<string> = new Set([
  "clear",
  "copy",
  "fromkeys",
  "pop",
  "popitem",
  "setdefault",
  "update",
]);

/** Jinja's interpreter in JavaScript, with what Python's Jinja and transformers do where that differs. */
export abstract class PythonInterpreter extends Interpreter {
  private loop: Loop | undefined;
  private interruption: Interruption | undefined;

  /** Accounts for characters that are written. */
  protected abstract spendOnText(length: number): void;
  /** Accounts for a comparison of two values. */
  protected abstract readonly spendStep: () => void;

  override evaluate(node: SyntaxNode | undefined, environment: Environment): RuntimeValue {
    if (node?.type === "Break" || node?.type === "Continue") return this.interrupt(node, environment);
    const value = super.evaluate(node, environment);
    if (
      value.type === "IntegerValue" &&
      typeof value.value === "number" &&
      !Number.isSafeInteger(value.value)
    )
      throw new Error(`the integer ${value.value}, which is not exact`);
    return value;
  }

  private interrupt(node: SyntaxNode, environment: Environment): RuntimeValue {
    try {
      return super.evaluate(node, environment);
    } catch (error) {
      this.interruption = { error, text: "" };
      throw error;
    }
  }

  /** Writes each value as Python does. Each pass of a loop has its own variables, and keeps what it wrote before it is left. */
  override evaluateBlock(statements: readonly SyntaxNode[], environment: Environment): RuntimeValue {
    const passOf = this.loop?.node.body === statements ? this.loop : undefined;
    const scope = passOf === undefined ? environment : new Environment(environment);
    let text = "";
    try {
      for (const statement of statements) text += this.write(statement, scope);
    } catch (error) {
      const { interruption } = this;
      if (interruption === undefined || error !== interruption.error) throw error;
      interruption.text = text + interruption.text;
      if (passOf !== undefined) passOf.text += interruption.text;
      throw error;
    }
    if (passOf === undefined) return textValue(text);
    passOf.text += text;
    return textValue("");
  }

  private write(statement: SyntaxNode, scope: Environment): string {
    const value = this.evaluate(statement, scope);
    if (silent.has(statement.type)) return "";
    const text = pythonStr(value);
    if (value.type !== "StringValue") this.spendOnText(text.length);
    return text;
  }

  override evaluateFor(node: ForNode, environment: Environment): RuntimeValue {
    const outer = this.loop;
    const ready = this.withItems(node, environment);
    const loop: Loop = { node, text: "" };
    this.loop = loop;
    try {
      const otherwise = super.evaluateFor(ready, environment);
      return textValue(loop.text + pythonStr(otherwise));
    } finally {
      this.loop = outer;
    }
  }

  /** The loop over a list, where it is over a text or something undefined. */
  private withItems(node: ForNode, environment: Environment): ForNode {
    const { iterable } = node;
    const value = this.evaluate(iterable.lhs ?? iterable, environment);
    const isOther = isText(value) || isUndefined(value);
    const list = new ReadyNode(isOther ? listValue(itemsOf(value)) : value);
    return { ...node, iterable: iterable.lhs === undefined ? list : { ...iterable, lhs: list } };
  }

  /** A macro sees the variables where it is defined, and not those where it is called. */
  override evaluateMacro(node: MacroNode, environment: Environment): RuntimeValue {
    const result = super.evaluateMacro(node, environment);
    const macro = environment.lookupVariable(node.name.value);
    const call = macro.value;
    if (typeof call !== "function") return result;
    macro.value = (args, scope) => {
      const inner = new Environment(environment);
      const caller = scope.variables.get("caller");
      if (caller !== undefined) inner.setVariable("caller", caller);
      return call(args, inner);
    };
    return result;
  }

  override evaluateBinaryExpression(node: BinaryNode, environment: Environment): RuntimeValue {
    const operator = node.operator.value;
    if (operator === "and" || operator === "or") return super.evaluateBinaryExpression(node, environment);
    const left = this.evaluate(node.left, environment);
    const right = this.evaluate(node.right, environment);
    const own = combine(operator, left, right, this.spendStep);
    if (own !== undefined) return own;
    const ready = { ...node, left: new ReadyNode(left), right: new ReadyNode(right) };
    return super.evaluateBinaryExpression(ready, environment);
  }

  override evaluateTestExpression(node: TestNode, environment: Environment): RuntimeValue {
    const operand = this.evaluate(node.operand, environment);
    const test = pythonTests.get(node.test.value);
    if (test !== undefined) return booleanValue(test(operand) !== node.negate);
    return super.evaluateTestExpression({ ...node, operand: new ReadyNode(operand) }, environment);
  }

  override evaluateMemberExpression(node: MemberNode, environment: Environment): RuntimeValue {
    const object = this.evaluate(node.object, environment);
    if (isUndefined(object))
      throw new Error(`${nameOf(node.object)} is undefined, so nothing can be read of it`);
    if (node.computed && node.property.type === "SliceExpression")
      return super.evaluateMemberExpression({ ...node, object: new ReadyNode(object) }, environment);
    const property = node.computed ? this.evaluate(node.property, environment) : undefined;
    const own = memberOf(object, property?.value ?? node.property.value, node.computed);
    if (own !== undefined) return own;
    return super.evaluateMemberExpression(
      {
        ...node,
        object: new ReadyNode(object),
        property: property === undefined ? node.property : new ReadyNode(property),
      },
      environment,
    );
  }

  override applyFilter(operand: RuntimeValue, filter: FilterNode, environment: Environment): RuntimeValue {
    const name = String(filter.callee?.value ?? filter.value);
    const own = pythonFilters.get(name);
    if (own === undefined) {
      const value = super.applyFilter(operand, filter, environment);
      return name === "items" || name === "dictsort" ? withPairs(value) : value;
    }
    const [args, named] = this.evaluateArguments(filter.args ?? [], environment);
    try {
      return own(operand, { args, named, environment, step: this.spendStep });
    } catch (error) {
      if (error instanceof Error && error.constructor === Error) error.message = `${name}: ${error.message}`;
      throw error;
    }
  }
}

/** Statements that write nothing themselves. */
const silent: ReadonlySet<string> = new Set(["Set", "Macro", "Comment"]);

/** What Python finds in a value by a name or an index, where JavaScript's interpreter finds something else. */
function memberOf(object: RuntimeValue, name: unknown, isComputed: boolean): RuntimeValue | undefined {
  const { value } = object;
  if (typeof value === "string") {
    if (typeof name === "number" && isComputed) {
      const character = characterAt(value, name);
      return character === undefined ? undefinedValue : textValue(character);
    }
    const method = textMethods.get(String(name));
    if (method !== undefined) return functionValue((...args) => method(value, ...args));
  }
  if ((typeof value === "string" || Array.isArray(value)) && name === "length") return undefinedValue;
  if (isComputed || !isMapping(object) || typeof name !== "string") return undefined;
  if (otherMappingMethods.has(name)) throw new Error(`the method ${name} of ${typeName(object)}`);
  if (!mappingMethods.has(name)) return undefined;
  const method = object.builtins.get(name);
  const call = method?.value;
  if (name !== "items" || typeof call !== "function") return method;
  const items = functionValue(() => null);
  items.value = (args, scope) => withPairs(call(args, scope));
  return items;
}

/** What an expression is called, for messages. */
function nameOf(node: SyntaxNode): string {
  if ("property" in node && "computed" in node && typeof node.property === "object" && node.property !== null)
    return "value" in node.property ? String(node.property.value) : "a value";
  return "value" in node ? String(node.value) : "a value";
}
