"""What a reader must see about a changed file at first sight, told from its path and its lines; pure."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

TEST_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "__mocks__", "spec", "specs", "e2e", "testdata"})
TEST_NAMES = (
    "test_*", "*_test.*", "*_tests.*", "*.test.*", "*.spec.*", "*_spec.*", "*test.java", "*tests.java", "*test.kt",
    "*tests.cs", "*test.php", "tests.py", "test.*", "conftest.py", "pytest.ini", "tox.ini", "jest.config.*",
    "vitest.config.*", "playwright.config.*", "karma.conf.*", "phpunit.xml*", ".coveragerc", ".mocharc*",
)  # fmt: skip
SKIP = re.compile(
    rb"(?i:pytest\.(?:mark\.)?(?:skip|xfail|importorskip)|mark\.(?:skip|xfail)|unittest\.(?:skip|expectedfailure)"
    rb"|raise\s+skiptest|@skip(?:if|unless)?\b|\.skiptest\()"
    rb"|\b(?:it|test|describe|context|suite)\.(?:skip|todo|only)\b|\bx(?:it|test|describe|context)\s*\("
    rb"|\bt\.Skip(?:f|Now)?\(|@(?:Ignore|Disabled)\b|#\[ignore|\[Ignore|\bmarkTestSkipped\b"
)
"""Added lines that switch a test off in the usual frameworks."""

OUTSIDE_NAMES = (
    "makefile", "gnumakefile", "*.mk", "cmakelists.txt", "justfile", ".justfile", "taskfile.y*ml", "rakefile",
    "*.gemspec", "gemfile", "package.json", ".npmrc", ".yarnrc*", "bunfig.toml", "gulpfile.*", "gruntfile.*",
    "setup.py", "setup.cfg", "pyproject.toml", "noxfile.py", "tox.ini", "conftest.py", "sitecustomize.py",
    "usercustomize.py", "*.pth", "build.rs", "build.gradle*", "settings.gradle*", "gradlew*", "mvnw*", "pom.xml",
    "composer.json", "dockerfile*", "*.dockerfile", "containerfile*", "docker-compose*.y*ml", "compose*.y*ml",
    "vagrantfile", "procfile", "jenkinsfile*", ".gitlab-ci.y*ml", ".travis.y*ml", "azure-pipelines*.y*ml",
    "bitbucket-pipelines.y*ml", "appveyor.y*ml", ".appveyor.y*ml", ".drone.y*ml", ".woodpecker.y*ml", "cloudbuild.y*ml",
    ".pre-commit-config.yaml", ".pre-commit-hooks.yaml", "lefthook.y*ml", ".lefthook.y*ml", ".lintstagedrc*",
    ".huskyrc*", ".envrc", ".env", ".env.*", "mise.toml", ".mise.toml", ".tool-versions", ".gitattributes",
    ".gitmodules", ".gitconfig", ".bazelrc", "build.bazel", "workspace", "flake.nix", "shell.nix", "default.nix",
    "*.code-workspace", ".vimrc", ".nvimrc", ".exrc", ".nvim.lua", ".dir-locals.el", ".gdbinit", ".lldbinit",
)  # fmt: skip
OUTSIDE_FOLDERS = (
    ".github/workflows", ".github/actions", ".circleci", ".buildkite", ".ci", ".gitlab", ".woodpecker", ".husky",
    ".githooks", "githooks", ".hooks", ".devcontainer", ".vscode", ".idea", ".cargo", ".mvn", ".direnv", ".mise",
)  # fmt: skip
"""Files that something outside the stage runs by itself, or by a habit, once they have landed."""


def concerns_tests(path: str, added: tuple[bytes, ...]) -> bool:
    """Whether it is a test, configures tests, or switches one off."""
    *folders, name = path.lower().split("/")
    named = any(fnmatchcase(name, pattern) for pattern in TEST_NAMES)
    return named or not TEST_FOLDERS.isdisjoint(folders) or any(SKIP.search(line) for line in added)


def runs_outside(path: str) -> bool:
    """Whether it takes effect outside the walls after landing: build files, CI, hooks, shell and editor settings."""
    lower = path.lower()
    name = lower.rpartition("/")[2]
    inside = f"/{lower}"
    return any(fnmatchcase(name, pattern) for pattern in OUTSIDE_NAMES) or any(
        f"/{folder}/" in inside for folder in OUTSIDE_FOLDERS
    )
