# Sourced by the scripts beside it: makes .venv once, and again when what it is made from has changed.
# `prepare` is for running assent, `prepare dev` also for working on it. It talks on stderr only.

case $0 in */*) root=${0%/*}/.. ;; *) root=.. ;; esac
root=$(CDPATH='' cd -- "$root" && pwd -P)
venv=$root/.venv

say() { printf 'assent: %s\n' "$*" >&2; }

fail() { # MESSAGE HINT
    say "$1"
    printf '        %s\n' "$2" >&2
    exit 2
}

ingredients() { # [-dev]: everything that the environment is made from, its place last
    cat "$root/requirements$1.txt" "$root/pyproject.toml" "$root/scripts/launcher"
    printf '%s\n' "$root"
}

fresh() { # [-dev]
    [ -x "$venv/bin/assent" ] && [ -x "$venv/bin/python" ] && [ -f "$venv/made-from$1" ] &&
        ingredients "$1" | cmp -s - "$venv/made-from$1"
}

ready() { # [-dev]: the larger environment serves for the smaller
    fresh -dev || { [ -z "$1" ] && fresh ""; }
}

take_turn() {
    turn=$root/.venv.lock
    told=
    until mkdir "$turn" 2>/dev/null; do
        [ -w "$root" ] || fail "cannot write into $root" "Clone the repository to where you can write."
        holder=$(cat "$turn/pid" 2>/dev/null || { sleep 1; cat "$turn/pid" 2>/dev/null; }) || holder=
        if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then
            [ "$told" ] || say "another process ($holder) is preparing .venv; waiting for it"
            told=yes
            sleep 1
        else
            rm -rf "$turn"
        fi
    done
    echo $$ >"$turn/pid"
    trap 'rm -rf "$turn"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

end_turn() {
    rm -rf "$turn"
    trap - EXIT HUP INT TERM
}

suitable() { # PYTHON: is it there, and 3.11 or newer?
    command -v "$1" >/dev/null 2>&1 && "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        suitable "$python" && return
    done
    fail "no Python 3.11 or newer was found." "Install one (Debian, Ubuntu: apt install python3 python3-venv), or uv."
}

make_with_uv() { # [-dev]
    suitable "$venv/bin/python" || uv venv --quiet --no-project --clear --python '>=3.11' "$venv" || return
    uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "requirements$1.txt" &&
        uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e .
}

has_pip() { # an environment made by uv has none, and need not be made again for that
    "$venv/bin/python" -I -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -I -m ensurepip >/dev/null 2>&1
}

make_with_venv() { # [-dev]
    if ! suitable "$venv/bin/python" || ! has_pip; then
        find_python
        "$python" -I -m venv --clear "$venv" >/dev/null 2>&1 || {
            rm -rf "$venv"
            fail "$python cannot make a virtual environment." \
                "Install what it lacks (Debian, Ubuntu: apt install python3-venv), or uv."
        }
    fi
    "$venv/bin/python" -I -m pip --disable-pip-version-check install --quiet --require-hashes -r "requirements$1.txt" &&
        "$venv/bin/python" -I -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
}

make() { # [-dev]
    if command -v uv >/dev/null 2>&1; then with=uv; else with=venv; fi
    say "preparing .venv with $with: $(grep -c '^[a-z0-9]' "$root/requirements$1.txt") pinned packages;" \
        "about a minute, once, and again only when they change"
    moved=$(tail -n 1 "$venv/made-from" 2>/dev/null || :)
    if [ -n "$moved" ] && [ "$moved" != "$root" ]; then rm -rf "$venv"; fi
    rm -f "$venv/made-from" "$venv/made-from-dev"
    (cd "$root" && make_with_$with "$1") || {
        code=$?
        [ $code -ne 2 ] || exit 2
        fail "the packages could not be installed (see above)." \
            "Is the package index reachable? Then start again; delete .venv if it keeps failing."
    }
    ingredients "" >"$venv/made-from"
    [ -z "$1" ] || ingredients "$1" >"$venv/made-from$1"
    say "ready"
}

whole_folders() { # PATH without what is relative or lies in the current folder: a repository's programs prepare nothing
    set -f
    (
        IFS=:
        kept=
        for folder in $PATH; do
            case $folder/ in "$PWD"/*) ;; /?*) kept=$kept:$folder ;; esac
        done
        printf '%s\n' "${kept#:}"
    )
    set +f
}

prepare() { # [dev]
    users_path=$PATH
    PATH=$(whole_folders)
    make_ready "${1-}"
    PATH=$users_path
}

make_ready() { # [dev]
    kind=${1:+-$1}
    ready "$kind" && return
    take_turn
    ready "$kind" || make "$kind"
    end_turn
}
