/**
 * The parts of @huggingface/jinja that we use. Its own declarations import each other without file endings, which TypeScript
 * does not resolve in a package of ES modules: its classes have no type there.
 */
declare module "@huggingface/jinja" {
  /** A statement or an expression; further fields depend on its type. */
  export interface SyntaxNode {
    readonly type: string;
  }

  export interface BinaryNode extends SyntaxNode {
    readonly left: SyntaxNode;
    readonly right: SyntaxNode;
    readonly operator: { readonly value: string };
  }

  export interface TestNode extends SyntaxNode {
    readonly operand: SyntaxNode;
    readonly negate: boolean;
    readonly test: { readonly value: string };
  }

  export interface MemberNode extends SyntaxNode {
    readonly object: SyntaxNode;
    readonly property: SyntaxNode & { readonly value?: unknown };
    readonly computed: boolean;
  }

  export interface ForNode extends SyntaxNode {
    readonly body: readonly SyntaxNode[];
    /** With `lhs` where the loop has a condition. */
    readonly iterable: SyntaxNode & { readonly lhs?: SyntaxNode };
  }

  export interface MacroNode extends SyntaxNode {
    readonly name: { readonly value: string };
  }

  /** A filter's name, or its name and arguments. */
  export interface FilterNode extends SyntaxNode {
    readonly value?: unknown;
    readonly callee?: { readonly value?: unknown };
    readonly args?: readonly SyntaxNode[];
  }

  type RuntimeFunction = (args: RuntimeValue[], scope: Environment) => RuntimeValue;

  export interface RuntimeValue {
    readonly type: string;
    value:
      | string
      | number
      | bigint
      | boolean
      | null
      | undefined
      | RuntimeValue[]
      | Map<string, RuntimeValue>
      | RuntimeFunction;
    readonly builtins: ReadonlyMap<string, RuntimeValue>;
    __bool__(): { readonly value: boolean };
  }

  export class Environment {
    readonly variables: ReadonlyMap<string, RuntimeValue>;
    readonly tests: ReadonlyMap<string, (...values: RuntimeValue[]) => boolean>;
    constructor(parent?: Environment);
    set(name: string, value: unknown): RuntimeValue;
    setVariable(name: string, value: RuntimeValue): RuntimeValue;
    lookupVariable(name: string): RuntimeValue;
  }

  export class Interpreter {
    constructor(environment: Environment);
    run(program: SyntaxNode): RuntimeValue;
    evaluate(node: SyntaxNode | undefined, environment: Environment): RuntimeValue;
    evaluateBlock(statements: readonly SyntaxNode[], environment: Environment): RuntimeValue;
    evaluateBinaryExpression(node: BinaryNode, environment: Environment): RuntimeValue;
    evaluateTestExpression(node: TestNode, environment: Environment): RuntimeValue;
    evaluateMemberExpression(node: MemberNode, environment: Environment): RuntimeValue;
    evaluateFor(node: ForNode, environment: Environment): RuntimeValue;
    evaluateMacro(node: MacroNode, environment: Environment): RuntimeValue;
    evaluateArguments(
      args: readonly SyntaxNode[],
      environment: Environment,
    ): [RuntimeValue[], Map<string, RuntimeValue>];
    applyFilter(operand: RuntimeValue, filter: FilterNode, environment: Environment): RuntimeValue;
  }

  export class Template {
    readonly parsed: SyntaxNode;
    constructor(source: string);
  }
}
