"""Package tools, git and plain programs of the shell."""

# ruff: noqa: E501  # programs are quoted as they are
from case import Case

NPM = {
    "npm_config_registry": "http://127.0.0.1:1/",
    "npm_config_fetch_retries": "0",
    "npm_config_audit": "false",
    "npm_config_update_notifier": "false",
}
PIP = "python -m pip --no-input"
UV = {"UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1"}

PACKAGES = [
    Case(
        "pip/no-index",
        f"{PIP} install --no-index no-such-package-of-this-name",
        "dependency",
        first="No matching distribution found for no-such-package-of-this-name",
    ),
    Case(
        "pip/network",
        f"{PIP} install --retries 1 --index-url http://127.0.0.1:1/simple requests",
        "network",
        first="Connection refused",
    ),
    Case(
        "pip/requires-python",
        f"{PIP} install --no-index --no-build-isolation .",
        "environment",
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=4"\n[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n',
            "own.py": "import os\ndef _meta(d):\n    os.makedirs(d + '/shop-1.dist-info')\n    open(d + '/shop-1.dist-info/METADATA', 'w').write('Metadata-Version: 2.1\\nName: shop\\nVersion: 1\\nRequires-Python: >=4\\n')\n    return 'shop-1.dist-info'\ndef prepare_metadata_for_build_wheel(d, config_settings=None): return _meta(d)\ndef build_wheel(d, config_settings=None, metadata_directory=None): raise SystemExit(1)\n",
        },
        first="requires a different Python",
    ),
    Case(
        "pip/build",
        f"{PIP} install --no-index --no-build-isolation .",
        "unknown",
        {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n',
            "own.py": "def build_wheel(d, config_settings=None, metadata_directory=None):\n    raise ValueError('the header is broken')\n",
        },
        first="ValueError: the header is broken",
    ),
    Case("pip/file-missing", f"{PIP} install -r nowhere.txt", "environment", first="Could not open requirements file"),
    Case("pip/not-a-project", f"{PIP} install .", "unknown", first="is not installable"),
    Case(
        "uv/offline",
        "uv pip install --offline --target x no-such-package-of-this-name",
        "dependency",
        first="no-such-package-of-this-name",
        variables=UV,
    ),
    Case(
        "uv/lock",
        "uv lock",
        "dependency",
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["no-such-package-of-this-name>3"]\n'
        },
        first="No solution found",
        variables=UV,
    ),
    Case(
        "uv/run",
        "uv run no-such-program",
        "tool missing",
        {"pyproject.toml": '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.8"\n'},
        first="no-such-program",
        variables=UV,
    ),
    Case("uv/project", "uv sync", "unknown", {"pyproject.toml": "[project\n"}, first="Failed to parse", variables=UV),
    Case(
        "npm/network",
        "npm install left-pad",
        "network",
        {"package.json": '{"name": "shop"}\n'},
        first="ECONNREFUSED",
        variables=NPM,
    ),
    Case(
        "npm/script",
        "npm run build",
        "build",
        {"package.json": '{"name": "shop", "scripts": {"test": "true"}}\n'},
        first='Missing script: "build"',
        variables=NPM,
    ),
    Case(
        "npm/failing",
        "npm test",
        "unknown",
        {
            "package.json": '{"name": "shop", "scripts": {"test": "node a.js"}}\n',
            "a.js": "throw new Error('from the script');\n",
        },
        first="Error: from the script",
        variables=NPM,
    ),
    Case(
        "npm/tool-missing",
        "npm run lint",
        "tool missing",
        {"package.json": '{"name": "shop", "scripts": {"lint": "no-such-linter ."}}\n'},
        first="no-such-linter: not found",
        variables=NPM,
    ),
    Case("npm/json", "npm install", "build", {"package.json": '{"name": }\n'}, first="EJSONPARSE", variables=NPM),
    Case(
        "npm/ci",
        "npm ci",
        "build",
        {"package.json": '{"name": "shop"}\n'},
        first="The `npm ci` command can only install with an existing package-lock.json",
        variables=NPM,
    ),
    Case(
        "npm/engine",
        "npm install",
        "environment",
        {"package.json": '{"name": "shop", "engines": {"node": ">=99"}}\n'},
        first="Unsupported engine",
        variables=NPM | {"npm_config_engine_strict": "true"},
    ),
]

INIT = "git init -q -b main . && git config user.name T && git config user.email t@example.org && echo one > a.txt && git add . && git commit -qm one"
GIT = [
    Case(
        "git/conflict",
        "git merge other",
        "build",
        first="CONFLICT (content): Merge conflict in a.txt",
        before=INIT
        + " && git checkout -qb other && echo two > a.txt && git commit -qam two && git checkout -q main && echo three > a.txt && git commit -qam three",
    ),
    Case(
        "git/no-repository",
        "git status",
        "environment",
        first="fatal: not a git repository",
        variables={"GIT_CEILING_DIRECTORIES": "/"},
    ),
    Case(
        "git/pathspec",
        "git checkout nowhere",
        "unknown",
        first="error: pathspec 'nowhere' did not match any file(s) known to git",
        before=INIT,
    ),
    Case(
        "git/remote",
        "git push origin main",
        "unknown",
        first="fatal: 'origin' does not appear to be a git repository",
        before=INIT,
    ),
    Case("git/resolve", "git clone https://no-such-host.invalid/x.git", "network", first="Could not resolve host"),
    Case(
        "git/rejected",
        "git push origin main",
        "unknown",
        first="[rejected]",
        before=INIT
        + " && git init -q --bare -b main ../far.git && git remote add origin ../far.git && git push -q origin main && git clone -q ../far.git ../other && cd ../other && git -c user.name=T -c user.email=t@example.org commit -q --allow-empty -m far && git push -q origin HEAD:main && cd ../project && git commit -q --allow-empty -m near",
    ),
    Case(
        "git/apply",
        "git apply change.patch",
        "unknown",
        {"change.patch": "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-zero\n+two\n"},
        first="error: patch failed: a.txt:1",
        before=INIT,
    ),
    Case(
        "git/lock",
        "git add -A",
        "unknown",
        first="index.lock': File exists",
        before=INIT + " && touch .git/index.lock && touch b",
    ),
    Case(
        "git/hook",
        "git commit -qam next",
        "unknown",
        first="error: the hook says no",
        before=INIT
        + " && printf '#!/bin/sh\\necho error: the hook says no\\nexit 1\\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit && echo two > a.txt",
    ),
]

SHELL = [
    Case("shell/tool-missing", "no-such-program --version", "tool missing", first="no-such-program: command not found"),
    Case("shell/sh-tool-missing", "sh -c 'no-such-program x'", "tool missing", first="no-such-program: not found"),
    Case(
        "shell/env-tool-missing",
        "./run.py",
        "tool missing",
        {"run.py": "#!/usr/bin/env no-such-python\n"},
        first="no-such-python",
        before="chmod +x run.py",
    ),
    Case("shell/not-executable", "./run.sh", "permission", {"run.sh": "echo x\n"}, first="./run.sh: Permission denied"),
    Case("shell/script-missing", "bash nowhere.sh", "tool missing", first="nowhere.sh: No such file or directory"),
    Case("shell/disk", "head -c 100000 /dev/zero > /dev/full", "resource", first="No space left on device"),
    Case("shell/refused", "curl -sS http://127.0.0.1:1/", "network", first="Failed to connect to 127.0.0.1 port 1"),
    Case(
        "shell/resolve",
        "curl -sS http://no-such-host.invalid/",
        "network",
        first="Could not resolve host: no-such-host.invalid",
    ),
    Case("shell/timeout", "echo waiting; timeout 1 sleep 9", "timeout", first="waiting"),
    Case("shell/killed", "bash -c 'kill -9 $$'", "resource"),
    Case("shell/segfault", "bash -c 'kill -SEGV $$'", "unknown"),
    Case("shell/file-missing", "cat nowhere.txt", "environment", first="cat: nowhere.txt: No such file or directory"),
    Case("shell/silent", "false", "unknown"),
    Case(
        "shell/syntax",
        "bash run.sh",
        "build",
        {"run.sh": "if true; then\n  echo x\n"},
        first="run.sh: line 3: syntax error: unexpected end of file",
    ),
    Case(
        "shell/unbound",
        "bash run.sh",
        "environment",
        {"run.sh": "set -u\necho $NOWHERE_SET\n"},
        first="run.sh: line 2: NOWHERE_SET: unbound variable",
    ),
    Case(
        "shell/repeated",
        "for i in $(seq 400); do echo waiting for the server; done; echo 'fatal: gave up'; exit 1",
        "unknown",
        first="fatal: gave up",
    ),
    Case(
        "shell/progress",
        "for i in $(seq 1 200); do printf '\\r%3d%% [%s]' $i x; done; echo; echo 'error: download broken'; exit 1",
        "unknown",
        first="error: download broken",
    ),
    Case(
        "shell/port",
        "python -c 'import socket; a = socket.socket(); a.bind((\"127.0.0.1\", 0)); b = socket.socket(); b.bind(a.getsockname())'",
        "environment",
        first="Address already in use",
    ),
    Case(
        "shell/flaky",
        "python -c 'print(\"FLAKY test_a: failed 1 of 3, passed on retry\"); raise SystemExit(1)'",
        "flaky",
        first="FLAKY test_a",
    ),
]

OTHERS = [*PACKAGES, *GIT, *SHELL]
