"""Broken JavaScript and TypeScript programs."""

# ruff: noqa: E501  # programs are quoted as they are
from case import Case

SUM = "module.exports = { add: (a, b) => a - b, broken: () => { throw new TypeError('x is not a function'); } };\n"
JEST_TEST = """\
const { add, broken } = require('./sum');

test('adds', () => {
  expect(add(1, 2)).toBe(3);
});

describe('sum', () => {
  test('of negatives', () => {
    broken();
  });

  test('is fine', () => {});

  test.each([[1, 1], [2, 3]])('each %d', (a, b) => {
    expect(a).toEqual(b);
  });

  describe('deeper', () => {
    test('compares objects', async () => {
      await expect(Promise.resolve({ a: 1, b: [1] })).resolves.toEqual({ a: 1, b: [2] });
    });
  });
});
"""
PACKAGE = {"package.json": '{"name": "shop", "version": "1.0.0"}\n'}
JEST_FILES = PACKAGE | {"sum.js": SUM, "sum.test.js": JEST_TEST}


def jest(name: str, options: str, files: dict[str, str], failure: str = "test", **more: object) -> Case:
    return Case(
        f"jest/{name}",
        f"jest {options}".strip(),
        failure,
        files,
        report=f"jest {options} --json --outputFile=$REPORT",
        format="jest",
        **more,
    )  # pyright: ignore


JEST = [
    jest("plain", "", JEST_FILES),
    jest("verbose", "--verbose", JEST_FILES),
    jest(
        "two-files",
        "",
        JEST_FILES
        | {
            "lib/other.test.js": "test('other', () => { expect([1]).toContain(2); });\n",
            "lib/good.test.js": "test('good', () => {});\n",
        },
    ),
    jest(
        "todo",
        "",
        PACKAGE
        | {
            "a.test.js": "test.todo('later');\ntest.skip('not now', () => {});\ntest('now', () => { expect(null).not.toBeNull(); });\n"
        },
    ),
    jest(
        "snapshot",
        "--ci",
        PACKAGE
        | {"a.test.js": "test('shot', () => { expect({ a: 1 }).toMatchInlineSnapshot(`\n{\n  \"a\": 2,\n}\n`); });\n"},
    ),
    jest("timeout", "", PACKAGE | {"a.test.js": "test('slow', () => new Promise(() => {}), 100);\n"}),
    jest(
        "console",
        "",
        PACKAGE | {"a.test.js": "test('logs', () => { console.error('error: only said'); expect(1).toBe(2); });\n"},
    ),
    jest("coloured", "--colors", JEST_FILES),
    jest(
        "module-missing",
        "",
        PACKAGE | {"a.test.js": "const x = require('no-such-package');\ntest('a', () => {});\n"},
        "dependency",
    ),
    jest(
        "own-module-missing",
        "",
        PACKAGE | {"a.test.js": "const x = require('./nowhere');\ntest('a', () => {});\n"},
        "dependency",
    ),
    jest("syntax", "", PACKAGE | {"a.test.js": "test('a', () => { const = 1; });\n"}, "build"),
]

VITEST_TEST = JEST_TEST.replace(
    "const { add, broken } = require('./sum');",
    "import { describe, expect, test } from 'vitest';\nimport { add, broken } from './sum.mjs';",
)
VITEST_SUM = "export const add = (a, b) => a - b;\nexport const broken = () => { throw new TypeError('x is not a function'); };\n"
VITEST_FILES = {
    "package.json": '{"name": "shop", "type": "module"}\n',
    "sum.mjs": VITEST_SUM,
    "test/sum.test.mjs": VITEST_TEST.replace("./sum", "../sum"),
}
IMPORTS = "import { expect, test } from 'vitest';\n"
LINK = "ln -sfn $TOOLS/node/node_modules node_modules"


def vitest(name: str, options: str, files: dict[str, str], failure: str = "test") -> Case:
    return Case(
        f"vitest/{name}",
        f"vitest run {options}".strip(),
        failure,
        files,
        report="vitest run --reporter=json --outputFile=$REPORT",
        format="jest",
        before=LINK,
    )


VITEST = [
    vitest("plain", "", VITEST_FILES),
    vitest("verbose", "--reporter=verbose", VITEST_FILES),
    vitest("coloured", "--color", VITEST_FILES),
    vitest(
        "two-files",
        "",
        VITEST_FILES | {"test/other.test.mjs": IMPORTS + "test('other', () => { expect([1]).toContain(2); });\n"},
    ),
    vitest("timeout", "", {"a.test.mjs": IMPORTS + "test('slow', () => new Promise(() => {}), 100);\n"}),
    vitest(
        "module-missing",
        "",
        {"a.test.mjs": IMPORTS + "import x from 'no-such-package';\ntest('a', () => {});\n"},
        "dependency",
    ),
    vitest("syntax", "", {"a.test.mjs": IMPORTS + "test('a', () => { const = 1; });\n"}, "test"),
    vitest(
        "stdout",
        "",
        {
            "a.test.mjs": IMPORTS
            + "test('logs', () => { console.error('error: only said'); expect('a').toBe('b'); });\n"
        },
    ),
]

NODE_TEST = """\
const { test, describe, it } = require('node:test');
const assert = require('node:assert');

test('adds', () => {
  assert.strictEqual(1 + 1, 3);
});

test('fine', () => {});

describe('list', () => {
  it('is equal', () => {
    assert.deepStrictEqual([1, 2], [1, 3]);
  });
  it('throws', () => {
    null.length;
  });
});
"""


def node_test(name: str, options: str, text: str, failure: str = "test") -> Case:
    report = "node --test --test-reporter=junit --test-reporter-destination=$REPORT"
    return Case(
        f"node-test/{name}",
        f"node --test {options} a.test.js",
        failure,
        {"a.test.js": text},
        report=f"{report} a.test.js",
        format="junit-node",
    )


NODE_TESTS = [
    node_test("tap", "--test-reporter=tap", NODE_TEST),
    node_test("spec", "--test-reporter=spec", NODE_TEST),
    node_test("default", "", NODE_TEST),
    node_test("module-missing", "--test-reporter=spec", "require('no-such-package');\n", "dependency"),
    node_test(
        "rejected",
        "--test-reporter=spec",
        "const test = require('node:test');\ntest('waits', async () => { await Promise.reject(new RangeError('too far')); });\n",
    ),
    node_test(
        "timeout",
        "--test-reporter=spec",
        "const test = require('node:test');\ntest('slow', { timeout: 50 }, () => new Promise(r => setTimeout(r, 500)));\n",
    ),
]

NODE = [
    Case(
        "node/thrown",
        "node main.js",
        "unknown",
        {"main.js": "function inner() { throw new Error('bad port'); }\nfunction start() { inner(); }\nstart();\n"},
        first="Error: bad port",
    ),
    Case(
        "node/cause",
        "node main.js",
        "unknown",
        {"main.js": "try { null.x } catch (e) { throw new Error('cannot start', { cause: e }); }\n"},
        first="Error: cannot start",
    ),
    Case(
        "node/syntax", "node main.js", "build", {"main.js": "const a = {;\n"}, first="SyntaxError: Unexpected token ';'"
    ),
    Case(
        "node/module-missing",
        "node main.js",
        "dependency",
        {"main.js": "require('no-such-package');\n"},
        first="Cannot find module 'no-such-package'",
    ),
    Case(
        "node/esm-missing",
        "node main.mjs",
        "dependency",
        {"main.mjs": "import x from 'no-such-package';\n"},
        first="Cannot find package 'no-such-package'",
    ),
    Case(
        "node/rejection",
        "node main.js",
        "unknown",
        {"main.js": "async function f() { throw new TypeError('not awaited'); }\nf();\n"},
        first="TypeError: not awaited",
    ),
    Case(
        "node/refused",
        "node main.js",
        "network",
        {"main.js": "require('net').connect(1, '127.0.0.1');\n"},
        first="ECONNREFUSED",
    ),
    Case(
        "node/file-missing",
        "node main.js",
        "environment",
        {"main.js": "require('fs').readFileSync('data.json');\n"},
        first="ENOENT: no such file or directory, open 'data.json'",
    ),
    Case("node/script-missing", "node nowhere.js", "dependency", {}, first="Cannot find module"),
    Case(
        "node/reference",
        "node main.js",
        "unknown",
        {"main.js": "console.log(total);\n"},
        first="ReferenceError: total is not defined",
    ),
]

CONFIG = "module.exports = [{ files: ['**/*.js'], rules: { 'no-undef': 'error', 'no-unused-vars': 'warn', 'eqeqeq': 'error', 'semi': ['error', 'always'] } }];\n"
ESLINTED = {
    "eslint.config.js": CONFIG,
    "src/a.js": "const x = 1\nif (y == 2) { z(); }\n",
    "src/b.js": "export function f() { return g(1) }\n",
}


def eslint(name: str, options: str, files: dict[str, str], failure: str = "lint", **more: object) -> Case:
    return Case(
        f"eslint/{name}",
        f"eslint {options}",
        failure,
        files,
        report="eslint -f json -o $REPORT src",
        format="eslint",
        **more,
    )  # pyright: ignore


ESLINT = [
    eslint("plain", "src", ESLINTED),
    eslint("coloured", "--color src", ESLINTED),
    eslint(
        "quiet",
        "--quiet src",
        {k: v for k, v in ESLINTED.items() if k != "src/a.js"} | {"src/a.js": "if (y == 2) z();\n"},
    ),
    eslint("syntax", "src", ESLINTED | {"src/a.js": "const = 3;\n"}),
    eslint("warnings", "--max-warnings 0 src", {"eslint.config.js": CONFIG, "src/a.js": "const x = 1;\n"}),
    Case(
        "eslint/no-config",
        "eslint src",
        "environment",
        {"src/a.js": "x\n"},
        first="ESLint couldn't find an eslint.config",
    ),
    Case(
        "eslint/unknown-rule",
        "eslint src",
        "unknown",
        {"eslint.config.js": "module.exports = [{ rules: { 'no-such-rule': 'error' } }];\n", "src/a.js": "x\n"},
        first='Could not find "no-such-rule"',
    ),
]

TSC_REPORT = """\
const ts = require('typescript');
const config = ts.parseJsonConfigFileContent(ts.readConfigFile('tsconfig.json', ts.sys.readFile).config, ts.sys, '.');
const program = ts.createProgram(config.fileNames, config.options);
const rows = ts.getPreEmitDiagnostics(program).map(d => {
  const at = d.file ? d.file.getLineAndCharacterOfPosition(d.start) : { line: -1, character: -1 };
  const path = d.file ? require('path').relative('.', d.file.fileName) : '';
  return { path, line: at.line + 1, column: at.character + 1, code: 'TS' + d.code, message: ts.flattenDiagnosticMessageText(d.messageText, '\\n') };
});
require('fs').writeFileSync(process.env.REPORT, JSON.stringify(rows, null, 1));
"""
TSCONFIG = '{"compilerOptions": {"strict": true, "noEmit": true, "types": [], "target": "es2022", "module": "esnext", "moduleResolution": "bundler"}, "include": ["src"]}\n'


def tsc(name: str, options: str, files: dict[str, str], failure: str = "type") -> Case:
    files = {"tsconfig.json": TSCONFIG, ".report.cjs": TSC_REPORT} | files
    return Case(
        f"tsc/{name}",
        f"tsc {options}".strip(),
        failure,
        files,
        report="node .report.cjs",
        format="tsc",
        variables={"TOOLS_TS": "1"},
    )


TS_FILES = {
    "src/a.ts": "export const n: number = 'x';\nexport function f(a: string, b?: number): string {\n  return a.length;\n}\n",
    "src/b.ts": "import { f, gone } from './a';\nf(1, 2, 3);\nconst o: { a: number; b: { c: string } } = { a: 1, b: { c: 2 } };\no.zzz;\n",
}
TSC = [
    tsc("plain", "", TS_FILES),
    tsc("pretty", "--pretty", TS_FILES),
    tsc("project", "-p tsconfig.json --pretty false", TS_FILES),
    tsc("syntax", "", {"src/a.ts": "export const = 1;\nfunction (\n"}, "type"),
    tsc(
        "module-missing",
        "",
        {"src/a.ts": "import x from 'no-such-package';\nimport y from './nowhere';\nexport default [x, y];\n"},
        "dependency",
    ),
    tsc(
        "long-message",
        "",
        {
            "src/a.ts": "type A = { a: { b: { c: number } } };\nexport const f = (x: (a: A) => void) => x;\nf((a: { a: { b: { c: string } } }) => {});\n"
        },
    ),
    Case("tsc/config", "tsc -p nowhere.json", "type", {}, first="error TS5058"),
]

JAVASCRIPT = [*JEST, *VITEST, *NODE_TESTS, *NODE, *ESLINT, *TSC]
