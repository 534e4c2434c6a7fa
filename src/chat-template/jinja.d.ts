/**
 * The parts of @huggingface/jinja that we use. Its own declarations import each other without file endings, which TypeScript
 * does not resolve in a package of ES modules: its classes have no type there.
 */
declare module "@huggingface/jinja" {
  /** A statement or an expression; further fields depend on its type. */
  export interface SyntaxNode {
    readonly type: string;
  }

  export interface RuntimeValue {
    readonly type: string;
    readonly value:
      | string
      | number
      | boolean
      | null
      | undefined
      | readonly RuntimeValue[]
      | ReadonlyMap<string, RuntimeValue>
      | ((...args: never) => unknown);
  }

  export class Environment {
    set(name: string, value: unknown): RuntimeValue;
  }

  export class Interpreter {
    constructor(environment: Environment);
    run(program: SyntaxNode): RuntimeValue;
    evaluate(node: SyntaxNode | undefined, environment: Environment): RuntimeValue;
  }

  export class Template {
    readonly parsed: SyntaxNode;
    constructor(source: string);
  }
}
