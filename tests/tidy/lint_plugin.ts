/**
 * House rules that a program can check, run by plain `deno lint`: layers, banned calls, purity,
 * length of functions, swallowed errors, unfinished words, and tests that are switched off.
 * The rules that no program can check stand in `docs/STYLE.md`.
 */
import { importFault, isPure, isTrial } from "./layers.ts";

/** Lines of one function at most; half of it is the aim. Tests and benchmarks are exempt. */
const functionLinesMax = 70;

/** Programs and helpers of the tests that watch real time, and what shuts it out of simulations, with its test: nothing else may. */
const realTime: readonly string[] = [
  "lib/sim/real_world.ts",
  "tests/run.ts",
  "tests/ok.ts",
  "tests/contract/real_world.ts",
  "tests/unit/sim/real_world_test.ts",
];

const bannedGlobals: ReadonlyMap<string, string> = new Map([
  ["setTimeout", "Use the Timers port, or `within` of tests/contract/real_world.ts"],
  ["setInterval", "Use the Timers port"],
  ["performance", "Use the Clock port"],
]);

const bannedMembers: ReadonlyMap<string, string> = new Map([
  ["Date.now", "Use the Clock port"],
  ["Temporal.Now", "Use the Clock port"],
  ["Math.random", "Use the Random port"],
  ["crypto.getRandomValues", "Use the Random port"],
  ["crypto.randomUUID", "Use the Random port"],
]);

const globalNames: readonly string[] = ["globalThis", "self", "window"];
const bannedModules: readonly string[] = ["node:timers/promises", "node:perf_hooks"];
const root = new URL("../../", import.meta.url).pathname;

const plugin: Deno.lint.Plugin = {
  name: "kith",
  rules: {
    "layers": { create: layers },
    "banned-calls": { create: bannedCalls },
    "abort-timeout": { create: abortTimeout },
    "console": { create: consoleCalls },
    "deno": { create: denoNamespace },
    "pure": { create: purity },
    "function-length": { create: functionLength },
    "swallowed-error": { create: swallowedError },
    "unfinished": { create: unfinished },
    "switched-off": { create: switchedOff },
  },
};
export default plugin;

type Context = Deno.lint.RuleContext;
type Visitor = Deno.lint.LintVisitor;
type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** Imports go down, and every package has its place. */
function layers(context: Context): Visitor {
  const path = pathOf(context);
  const check = (node: Deno.lint.Node, specifier: unknown) => {
    const fault = typeof specifier === "string" ? importFault(path, specifier) : null;
    if (fault !== null) context.report({ node, message: fault });
  };
  return {
    ImportDeclaration: (node) => check(node, node.source.value),
    ExportAllDeclaration: (node) => check(node, node.source.value),
    ExportNamedDeclaration: (node) => check(node, node.source?.value),
    ImportExpression: (node) => check(node, literalOf(node.source)),
    TSImportType: (node) => check(node, specifierOf(node)),
  };
}

/** Clock, timers and chance live in `lib/platform` and come in through ports. */
function bannedCalls(context: Context): Visitor {
  const path = pathOf(context);
  if (path.startsWith("lib/platform/") || path.startsWith("bench/") || realTime.includes(path)) return {};
  return {
    Identifier(node) {
      const hint = bannedGlobals.get(node.name);
      if (hint !== undefined && isReference(node)) report(context, node, node.name, hint);
    },
    MemberExpression(node) {
      const name = memberName(node);
      const hint = bannedMembers.get(name) ?? (isGlobalName(node) ? bannedGlobals.get(name) : undefined);
      if (hint !== undefined) report(context, node, name, hint);
    },
    NewExpression(node) {
      if (isNamed(node.callee, "Date") && node.arguments.length === 0) {
        report(context, node, "new Date()", "Use the Clock port");
      }
    },
    CallExpression(node) {
      if (isNamed(node.callee, "Date")) report(context, node, "Date()", "Use the Clock port");
    },
    ImportDeclaration(node) {
      const specifier = node.source.value;
      if (bannedModules.includes(specifier)) {
        report(context, node, specifier, "Use the Clock and Timers ports");
      }
    },
  };
}

/** A real timer that the sanitizers of the tests do not see. */
function abortTimeout(context: Context): Visitor {
  return {
    MemberExpression(node) {
      if (memberName(node) === "AbortSignal.timeout") {
        report(context, node, "AbortSignal.timeout", "Use the Timers port and an AbortController");
      }
    },
  };
}

/** The product speaks through the Log port; programs may print. */
function consoleCalls(context: Context): Visitor {
  const path = pathOf(context);
  const prints = path.startsWith("lib/cli/") || path === "lib/platform/log.ts" || isTrial(path);
  if (prints) return {};
  return {
    Identifier(node) {
      if (node.name === "console" && isReference(node)) report(context, node, "console", "Use the Log port");
    },
  };
}

/** `Deno` is reached by adapters and programs; the runtime takes ports and builds them in one file. */
function denoNamespace(context: Context): Visitor {
  const path = pathOf(context);
  const peer = path.startsWith("lib/peer/") && path !== "lib/peer/defaults.ts";
  if (!isPure(path) && !peer && path !== "mod.ts") return {};
  return {
    Identifier(node) {
      if (node.name === "Deno") report(context, node, "Deno", "Take what it gives through a port");
    },
  };
}

/** Layers 0 to 2 are synchronous; `ports.ts` alone speaks of promises, as types. */
function purity(context: Context): Visitor {
  const path = pathOf(context);
  if (!isPure(path)) return {};
  const asyncFunction = (node: FunctionNode) => {
    if (node.async) report(context, node, "async", "Return effects; the driver waits");
  };
  return {
    FunctionDeclaration: asyncFunction,
    FunctionExpression: asyncFunction,
    ArrowFunctionExpression: asyncFunction,
    AwaitExpression: (node) => report(context, node, "await", "Return effects; the driver waits"),
    ForOfStatement(node) {
      if (node.await) report(context, node, "for await", "Return effects; the driver waits");
    },
    Identifier(node) {
      if (node.name === "Promise" && path !== "lib/base/ports.ts") {
        report(context, node, "Promise", "Return effects; the driver waits");
      }
    },
  };
}

/** Long functions hide several ideas. */
function functionLength(context: Context): Visitor {
  if (isTrial(pathOf(context))) return {};
  const measure = (node: FunctionNode) => {
    const lines = context.sourceCode.getText(node).split("\n").length;
    if (lines <= functionLinesMax) return;
    const message = `This function has ${lines} lines, more than ${functionLinesMax}`;
    context.report({ node, message, hint: "Parents branch, leaves compute: move a leaf out" });
  };
  return { FunctionDeclaration: measure, FunctionExpression: measure, ArrowFunctionExpression: measure };
}

/** An error that nobody looks at needs its reason in a comment. */
function swallowedError(context: Context): Visitor {
  const hint = "Handle it, or say in a comment inside the block why nothing is to be done";
  const check = (block: Deno.lint.BlockStatement) => {
    if (block.body.length > 0 || context.sourceCode.getCommentsInside(block).length > 0) return;
    context.report({ node: block, message: "This swallows an error", hint });
  };
  return {
    CatchClause: (node) => check(node.body),
    CallExpression(node) {
      const [handler] = node.arguments;
      const isCatch = node.callee.type === "MemberExpression" && propertyName(node.callee) === "catch";
      if (!isCatch || handler === undefined) return;
      if (handler.type !== "ArrowFunctionExpression" && handler.type !== "FunctionExpression") return;
      if (handler.body?.type === "BlockStatement") check(handler.body);
    },
  };
}

/** Work that is left to do does not go into the code. */
function unfinished(context: Context): Visitor {
  return {
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        const word = /\b(TO[D]O|FIX[M]E)\b/.exec(comment.value)?.[1];
        if (word === undefined) continue;
        context.report({ range: comment.range, message: `'${word}' marks unfinished work: finish it` });
      }
    },
  };
}

/** A test runs, or it is deleted. One that cannot run on some system says so by a condition. */
function switchedOff(context: Context): Visitor {
  if (!pathOf(context).startsWith("tests/")) return {};
  const message = "This switches tests off";
  return {
    MemberExpression(node) {
      const names = ["Deno.test.only", "Deno.test.ignore", "test.only", "test.ignore", "test.skip"];
      if (names.includes(memberName(node))) context.report({ node, message });
    },
    Property(node) {
      const name = node.key.type === "Identifier" ? node.key.name : literalOf(node.key);
      if ((name === "only" || name === "ignore") && literalOf(node.value) === true) {
        context.report({ node, message });
      }
    },
  };
}

function report(context: Context, node: Deno.lint.Node, name: string, hint: string): void {
  context.report({ node, message: `'${name}' is banned here`, hint });
}

/** The path of the file from the root of the checkout. */
function pathOf(context: Context): string {
  const name = context.filename.replaceAll("\\", "/");
  const at = name.indexOf(root);
  return at < 0 ? name : name.slice(at + root.length);
}

function isNamed(node: Deno.lint.Node, name: string): boolean {
  return node.type === "Identifier" && node.name === name;
}

function literalOf(node: Deno.lint.Node): unknown {
  return node.type === "Literal" ? node.value : undefined;
}

/** The specifier of `import("…").Type`; the parser wraps it in a literal type. */
function specifierOf(node: Deno.lint.TSImportType): unknown {
  const argument = node.argument as Deno.lint.Node;
  return argument.type === "TSLiteralType" ? literalOf(argument.literal) : literalOf(argument);
}

/** `a.b.c` of a plain member expression, without a leading `globalThis`; `""` for anything else. */
function memberName(node: Deno.lint.Node): string {
  if (node.type === "Identifier") return node.name;
  if (node.type !== "MemberExpression") return "";
  const property = propertyName(node);
  const object = memberName(node.object);
  if (property === null || object === "") return "";
  return globalNames.includes(object) ? property : `${object}.${property}`;
}

function propertyName(node: Deno.lint.MemberExpression): string | null {
  if (!node.computed) return node.property.type === "Identifier" ? node.property.name : null;
  const literal = literalOf(node.property);
  return typeof literal === "string" ? literal : null;
}

/** Whether a member expression is `globalThis.x`. */
function isGlobalName(node: Deno.lint.MemberExpression): boolean {
  return node.object.type === "Identifier" && globalNames.includes(node.object.name);
}

/** Whether an identifier stands for the global of its name, not for a property or a key. */
function isReference(node: Deno.lint.Identifier): boolean {
  const parent = node.parent;
  switch (parent.type) {
    case "MemberExpression":
      return parent.object === node || parent.computed;
    case "Property":
      return parent.shorthand || parent.value === node;
    case "MethodDefinition":
    case "PropertyDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
      return false;
    default:
      return true;
  }
}
