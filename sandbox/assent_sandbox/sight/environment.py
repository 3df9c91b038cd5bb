"""The environment of a command: built from an allow-list, never inherited."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from assent_sandbox.policy import Command, Policy, View

_PASSED_ON = frozenset(
    {
        "HOME", "LANG", "LANGUAGE", "LOGNAME", "SHELL", "TZ", "USER", "CI", "COLUMNS", "LINES", "SOURCE_DATE_EPOCH",
        "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYENV_ROOT", "PYENV_VERSION", "NVM_DIR", "NVM_BIN",
        "VOLTA_HOME", "ASDF_DATA_DIR", "MISE_DATA_DIR", "RBENV_ROOT", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME",
        "JAVA_HOME", "GOROOT", "GOPATH", "GOTOOLCHAIN", "DOTNET_ROOT", "PNPM_HOME", "BUN_INSTALL", "SDKMAN_DIR",
    }
)  # fmt: skip
_SECRETIVE = re.compile(r"(?i)(^|_)(api_?key|key|token|secret|passw(or)?d|passphrase|credentials?|auth|pat)s?($|_)")
_FALLBACK_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def looks_secret(name: str) -> bool:
    """Say whether a variable of this name usually holds a key."""
    return bool(_SECRETIVE.search(name))


def build_environment(view: View, command: Command, policy: Policy, own: Mapping[str, str], tmp: str) -> dict[str, str]:
    """What a command's environment holds: allow-listed values of our own, calm settings for tools, then its own.

    Nothing that looks like a key is passed on from us, not even if the settings name it.
    """
    names = {name for name in own if name in _PASSED_ON or name.startswith("LC_")} | set(policy.variables)
    values = {name: own[name] for name in names if name in own and not looks_secret(name)}
    values["PATH"] = _search_path(own.get("PATH", _FALLBACK_PATH))
    if view.tier != "overlay":
        values = {name: _moved(value, view) for name, value in values.items()}
    if view.tier == "copy":
        values |= _without_home(tmp)
    workdir = os.path.normpath(os.path.join(view.path, command.workdir))
    return values | _calm(tmp) | {"PWD": workdir} | command.environment


def _calm(tmp: str) -> dict[str, str]:
    """Settings that keep tools from asking, paging, colouring, and from writing to a home that they do not have.

    npm waits a second or two before it asks again, not a minute: where there is no network, it only delays the denial.
    Python writes no bytecode: it tells a stale cache by size and whole seconds, and here a test is run, its source
    mended and the test run again within one second.
    """
    cache = f"{tmp}/.cache"
    return {
        "TERM": "dumb", "NO_COLOR": "1", "PAGER": "cat",
        "GIT_PAGER": "cat", "MANPAGER": "cat",
        "EDITOR": "true", "GIT_EDITOR": "true",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0", "DEBIAN_FRONTEND": "noninteractive", "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "npm_config_update_notifier": "false", "npm_config_fund": "false",
        "npm_config_fetch_retry_mintimeout": "500", "npm_config_fetch_retry_maxtimeout": "2000",
        "TMPDIR": tmp, "XDG_CACHE_HOME": cache, "XDG_STATE_HOME": f"{tmp}/.state", "XDG_RUNTIME_DIR": f"{tmp}/.runtime",
        "PIP_CACHE_DIR": f"{cache}/pip", "UV_CACHE_DIR": f"{cache}/uv", "npm_config_cache": f"{cache}/npm",
        "YARN_CACHE_FOLDER": f"{cache}/yarn", "GOCACHE": f"{cache}/go-build",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHON_HISTORY": f"{tmp}/.python_history",
        "MPLCONFIGDIR": f"{cache}/matplotlib", "CCACHE_DIR": f"{cache}/ccache", "HISTFILE": "",
    }  # fmt: skip


def _without_home(tmp: str) -> dict[str, str]:
    """Settings for git where home is there but cannot be read: git stops at a file that it may not open."""
    names = ("core.excludesFile", "core.attributesFile")
    asked = {f"GIT_CONFIG_KEY_{place}": name for place, name in enumerate(names)}
    asked |= {f"GIT_CONFIG_VALUE_{place}": "/dev/null" for place in range(len(names))}
    return asked | {"GIT_CONFIG_GLOBAL": f"{tmp}/.gitconfig", "GIT_CONFIG_COUNT": str(len(names))}


def _search_path(value: str) -> str:
    """The folders of PATH that are absolute, each once, in their order."""
    folders = [folder.rstrip("/") or "/" for folder in value.split(":") if folder.startswith("/")]
    return ":".join(dict.fromkeys(folders)) or _FALLBACK_PATH


def _moved(value: str, view: View) -> str:
    """A list of paths in which those of the real repository are those of the copy."""
    parts = value.split(":")
    return ":".join(
        view.copy + part[len(view.root) :] if f"{part}/".startswith(f"{view.root}/") else part for part in parts
    )


def proxied(environment: dict[str, str], port: int) -> dict[str, str]:
    """The environment with the settings by which tools find a proxy at a port of the command's loopback; 0 is none."""
    if not port:
        return environment
    url, near = f"http://127.0.0.1:{port}", "localhost,127.0.0.1,::1"
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "npm_config_proxy",
             "npm_config_https_proxy", "PIP_PROXY", "CARGO_HTTP_PROXY", "YARN_HTTP_PROXY", "YARN_HTTPS_PROXY")  # fmt: skip
    java = f"-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort={port} -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={port}"
    besides = {"NO_PROXY": near, "no_proxy": near, "npm_config_noproxy": near, "NODE_USE_ENV_PROXY": "1",
               "MAVEN_OPTS": java, "GRADLE_OPTS": java}  # fmt: skip
    return environment | dict.fromkeys(names, url) | besides
