"""What runs by itself once it has landed is marked, whoever runs it; ordinary code and text are not."""

import pytest

from assent_core.diffs.marks import runs_outside, table

RUNS = """
AGENTS.md docs/AGENTS.md CLAUDE.md CLAUDE.local.md GEMINI.md .cursorrules .cursor/rules/a.mdc .cursor/mcp.json .mcp.json
mcp.json .claude/settings.json .claude/commands/x.md .claude/hooks/run.sh .codex/config.toml .gemini/settings.json
.aider.conf.yml .continue/config.json .windsurfrules .clinerules .roo/rules/x.md .kiro/steering/x.md
.github/copilot-instructions.md a.instructions.md opencode.json .opencode/agent/x.md crush.json SKILL.md skills/x/SKILL.md
.amazonq/cli-agents/x.json .junie/guidelines.md .augment/rules.md .goosehints .zed/settings.json .vscode/settings.json
.vscode/tasks.json sub/.vscode/launch.json .idea/runConfigurations/x.xml x.code-workspace .nvim.lua .exrc .dir-locals.el
.devcontainer.json .devcontainer/devcontainer.json .gitpod.yml mise.toml .mise.toml mise.local.toml .mise/tasks/x
.tool-versions .envrc .env .pnpmfile.cjs pnpm-workspace.yaml .npmrc .yarnrc.yml .yarn/plugins/x.cjs package.json
package-lock.json deno.json bunfig.toml .github/workflows/x.yml .github/actions/x/action.yml .github/dependabot.yml
.github/CODEOWNERS .gitlab-ci.yml .gitlab/ci/x.yml .circleci/config.yml .travis.yml .drone.yml .woodpecker.yml .cirrus.yml
.build.yml .builds/x.yml .buildkite/pipeline.yml .semaphore/semaphore.yml .teamcity/settings.kts .tekton/x.yaml
.forgejo/workflows/x.yml .gitea/workflows/x.yml azure-pipelines.yml bitbucket-pipelines.yml appveyor.yml Jenkinsfile
buildspec.yml codemagic.yaml .husky/pre-commit .githooks/pre-push hooks/pre-commit githooks/anything scripts/post-checkout
lefthook.yml .lintstagedrc .pre-commit-config.yaml gradle/wrapper/gradle-wrapper.properties
.mvn/wrapper/maven-wrapper.properties .mvn/jvm.config gradlew gradle.properties build.gradle.kts pom.xml vite.config.ts
webpack.config.js next.config.mjs eslint.config.js tailwind.config.cjs jest.config.js babel.config.json playwright.config.ts
.babelrc .eslintrc.js .prettierrc.js .postcssrc tsconfig.json pyproject.toml setup.py setup.cfg tox.ini noxfile.py
conftest.py tests/conftest.py sitecustomize.py .pylintrc mypy.ini .flake8 .pdbrc .pythonrc .rspec .irbrc .pryrc .gdbinit
.lldbinit .cargo/config.toml build.rs Cargo.toml Makefile makefile GNUmakefile x.mk CMakeLists.txt justfile Taskfile.yml
Rakefile Gemfile x.gemspec composer.json mix.exs build.sbt Dockerfile Dockerfile.dev compose.yaml Vagrantfile flake.nix
shell.nix devenv.nix .bazelrc BUILD.bazel WORKSPACE MODULE.bazel rules.bzl netlify.toml vercel.json fly.toml main.tf
ansible.cfg Procfile Tiltfile .gitattributes .gitmodules .gitconfig .git-hooks/pre-commit .ssh/config .bashrc .profile
.config/x .local/bin/x .storybook/main.ts .direnv/x .unknown-tool.toml .a/b/c.txt x.desktop x.service nuget.config
Directory.Build.props x.csproj Podfile fastlane/Fastfile binding.config.js requirements.txt
"""
ORDINARY = """
src/main.py README.md docs/guide.md CHANGELOG.md src/hooks/useThing.ts lib/agents.py app/models.rb index.html src/app.js
src/index.ts styles.css data.json locale/en.json src/config.py src/config.js config/routes.rb tests/test_x.py src/update.py
hooks.py src/build/plan.rs main.go main.c x.h image.png LICENSE src/parsers/src.js arc.js ci.py claude.py notes.txt
db/schema.sql api.proto a/b/c.java Example.kt .gitignore sub/.gitignore .gitkeep .dockerignore .editorconfig .nvmrc
.python-version .coverage .mailmap .clang-format .markdownlint.json .github/ISSUE_TEMPLATE/bug.md
.github/PULL_REQUEST_TEMPLATE.md .github/FUNDING.yml .well-known/security.txt .changeset/brave-cats.md
"""


@pytest.mark.parametrize("path", RUNS.split())
def test_what_runs_by_itself_is_marked(path):
    assert runs_outside(path)


@pytest.mark.parametrize("path", ORDINARY.split())
def test_ordinary_files_and_harmless_dotfiles_are_not_marked(path):
    assert not runs_outside(path)


def test_a_harmless_name_in_a_folder_of_a_tool_is_marked_all_the_same():
    assert runs_outside(".claude/readme.md") and runs_outside(".husky/x.md")


def test_each_entry_says_where_it_is_from_and_names_nothing_twice():
    kinds = [kind for kinds in table().values() for kind in kinds]
    assert all(kind.source.startswith("https://") and kind.names == tuple(map(str.lower, kind.names)) for kind in kinds)
    names = [name for kind in kinds for name in kind.names]
    assert sorted(names) == sorted(set(names))
