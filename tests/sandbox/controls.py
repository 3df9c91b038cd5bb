"""Ordinary work that must go on in a stage, and what tries to use up everything and must be bounded."""

# ruff: noqa: E501 - a script stays on one line

from __future__ import annotations

from typing import NamedTuple

from assent_sandbox.policy import Limits

BOTH = ("overlay", "copy")
OVERLAY = ("overlay",)


class Control(NamedTuple):
    """A script and exactly what it is to print; the copy tier takes some things away, which `docs/SECURITY.md` names."""

    script: str
    expected: str
    tiers: tuple[str, ...] = BOTH
    code: int = 0


class Place(NamedTuple):
    """A repository in an unusual place, made by a script of the host, and work that goes on there; paths below the world's folder."""

    prepare: str
    script: str
    expected: str
    root: str = "repo"
    state: str = "state"
    home: str = "home"
    tiers: tuple[str, ...] = BOTH


class Bomb(NamedTuple):
    """A script that goes on until it is ended, within limits that are far below what harms the machine."""

    argv: tuple[str, ...]
    limits: Limits
    causes: tuple[str, ...]
    gap: str = ""
    """Which gap leaves it unbounded for root in the copy tier, where it is not tried: it would harm the machine."""


def _python(script: str) -> str:
    return f"cat > .c.py <<'END'\n{script}\nEND\npython3 .c.py"


CONTROLS = {
    "the view is there": Control("cat a.txt; echo b > b.txt; cat b.txt", "hello\nb\n"),
    "git status, diff, log": Control(
        "git status --short a.txt; echo x >> a.txt; git diff --stat | tail -n 1; git log --format=%s; git checkout -q a.txt",
        " 1 file changed, 1 insertion(+)\nfirst\n"),
    "git add and commit": Control("git config user.name n; git config user.email e@x; echo y > y; git add y; git commit -qm second; git log --format=%s", "second\nfirst\n"),
    "commit under the user's own name": Control(
        'd=$(mktemp -d) && git init -q "$d" && cd "$d" && git commit -q --allow-empty -m x && git log --format="%an %ae";'
        " git config user.name m; git commit -q --allow-empty -m y; git log -1 --format=%an", "Nöme \"x n@x\nm\n"),
    "git branch, checkout, stash": Control(
        "git checkout -qb side; echo z >> a.txt; git stash -q; cat a.txt; git stash pop -q; tail -n 1 a.txt; git checkout -q a.txt; git checkout -q main; git branch | wc -l",
        "hello\nz\n2\n"),
    "git merge, rebase, gc": Control("git checkout -q side; git commit -q --allow-empty -m third; git rebase -q main; git checkout -q main; git merge -q --no-ff --no-edit side 2>&1; git gc -q; git fsck 2>&1 | grep -c error",
        "0\n", code=1),
    "a repository of one's own": Control('d=$(mktemp -d) && git init -q "$d" && cd "$d" && git -c user.name=n -c user.email=e@x commit -q --allow-empty -m x && git log --format=%an', "n\n"),
    "here-document": Control("cat <<E\nx\nE", "x\n"),
    "process substitution": Control("bash -c 'cat <(echo x) <(echo y)'", "x\ny\n"),
    "exit status and standard error": Control("echo x >&2; exit 3", "x\n", code=3),
    "a pipe": Control("seq 100000 | tail -n 1", "100000\n"),
    "temporary files": Control('f=$(mktemp) && echo x > "$f" && cat "$f"', "x\n"),
    "threads": Control(_python("from threading import Thread as T; T(target=print, args='x').start()"), "x\n"),
    "a subprocess": Control(_python("import subprocess as s; print(s.run(['echo', 'x'], capture_output=True).stdout)"), "b'x\\n'\n"),
    "asyncio subprocess": Control(_python(
        "import asyncio\nasync def main():\n"
        "    p = await asyncio.create_subprocess_exec('echo', 'x', stdout=-1)\n    print((await p.communicate())[0])\nasyncio.run(main())"), "b'x\\n'\n"),
    "a pool of processes": Control(_python("import multiprocessing as m\nif __name__ == '__main__': print(m.Pool(2).map(abs, [-1, -2]))"), "[1, 2]\n", OVERLAY),
    "a manager process": Control(_python("import multiprocessing as m\nif __name__ == '__main__':\n    with m.Manager() as a: print(a.list([1]))"), "[1]\n"),
    "shared memory": Control(_python("from multiprocessing.shared_memory import SharedMemory as S\ns = S(create=True, size=9); s.buf[0] = 7; t = S(s.name); print(t.buf[0]); t.close(); s.close(); s.unlink()"), "7\n", OVERLAY),
    "a server and a client": Control(_python(
        "import socket, threading; s = socket.create_server(('127.0.0.1', 0))\n"
        "threading.Thread(target=lambda: s.accept()[0].send(b'x')).start(); print(socket.create_connection(('localhost', s.getsockname()[1])).recv(1))"), "b'x'\n", OVERLAY),
    "a web server": Control(_python(
        "import threading, urllib.request, http.server as h\ns = h.ThreadingHTTPServer(('127.0.0.1', 0), h.SimpleHTTPRequestHandler)\n"
        "s.RequestHandlerClass.log_message = lambda *a: None\n"
        "threading.Thread(target=s.serve_forever, daemon=True).start(); print(urllib.request.urlopen(f'http://localhost:{s.server_port}/a.txt').read())"), "b'hello\\n'\n", OVERLAY),
    "a unix socket": Control(_python("from socket import socket as s; a = s(1); a.bind('sock'); a.listen(); s(1).connect('sock'); a.accept(); print('x')\nimport os; os.unlink('sock')"), "x\n"),
    "a unix datagram": Control(_python("from socket import socket as s; a = s(1, 2); a.bind('dg'); s(1, 2).sendto(b'x', 'dg'); print(a.recv(9))\nimport os; os.unlink('dg')"), "b'x'\n", OVERLAY),
    "a pair of sockets": Control(_python("import socket; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))"), "b'x'\n"),
    "a pseudo terminal": Control(_python("import os, tty; m, s = os.openpty(); tty.setraw(s); os.write(s, b'x'); print(os.isatty(s), os.read(m, 1))"), "True b'x'\n"),
    "a program on a pseudo terminal": Control(_python("import pty, os\nr = []\npty.spawn(['tty'], lambda f: r.append(os.read(f, 99)) or r[-1])\nprint(b'pts' in b''.join(r))") + " | tail -n 1", "True\n"),
    "node and its children": Control("command -v node > /dev/null || { echo x; exit; }; node -e \"console.log(require('child_process').execSync('echo x').toString().trim())\"", "x\n"),
    "npm scripts": Control("command -v npm > /dev/null || { echo x; exit; }; echo '{\"scripts\":{\"t\":\"echo x\"}}' > package.json; npm run -s t; rm package.json", "x\n"),
    "a virtual environment": Control('python3 -m venv --without-pip "$TMPDIR/v" && "$TMPDIR/v/bin/python" -c "print(7)"', "7\n"),
    "a program in C": Control("command -v gcc > /dev/null || { echo 7; exit; }; echo 'int main(){return 7;}' > m.c && gcc -o m m.c && ./m; echo $?; rm -f m m.c", "7\n"),
    "processes are listed": Control("ps -o args= -p $$ | cut -c 1-5", "sh -c\n", OVERLAY),
    "only own processes": Control("ls /proc | grep -c '^[0-9]' | awk '{print ($1 < 9)}'", "1\n", OVERLAY),
    "kill an own child": Control("exec 2> /dev/null; sleep 50 & kill $!; wait $!; echo $?", "143\n"),
    "stop and continue a child": Control("sleep 0.2 & kill -STOP $!; kill -CONT $!; wait $!; echo $?", "0\n"),
    "abort": Control(_python("import os; p = os.fork(); p or os.abort(); print(os.WTERMSIG(os.waitpid(p, 0)[1]))"), "6\n"),
    "be nice": Control("test $(nice -n 5 nice) -gt $(nice) || test $(nice) = 19; echo $?", "0\n"),
    "trace an own child": Control(_python("import ctypes, os, time; l = ctypes.CDLL(None); p = os.fork(); p or time.sleep(9); print(l.ptrace(16, p, 0, 0)); os.kill(p, 9)"), "0\n", OVERLAY),
    "list home and root": Control("ls ~ > /dev/null && ls / > /dev/null && echo x", "x\n", OVERLAY),
    "list /etc": Control("ls /etc | grep -c '^passwd$'", "1\n", OVERLAY),
    "ask for a user": Control("getent passwd 0 | cut -d: -f1", "root\n"),
    "pip's cache folder": Control('mkdir -p "$PIP_CACHE_DIR" && touch "$PIP_CACHE_DIR/x" && echo x', "x\n"),
    "big imports": Control(_python("import asyncio, decimal, email, http.client, json, multiprocessing, sqlite3, ssl, unittest, xml.dom.minidom; print('x')"), "x\n"),
    "a big heap": Control(_python("b = bytearray(300_000_000); b[::4096] = b'x' * len(b[::4096]); print(len(b))"), "300000000\n"),
    "Java": Control("command -v java > /dev/null || { echo x; exit; }; java -version > /dev/null 2>&1 && echo x", "x\n"),
    "sqlite": Control(_python(
        "import sqlite3; c = sqlite3.connect('d.db'); c.execute('pragma journal_mode=wal'); c.execute('create table t(a)'); c.execute('insert into t values(7)')\n"
        "c.commit(); print(*sqlite3.connect('d.db').execute('select a from t').fetchone())"), "7\n"),
    "file locks": Control("exec 9< a.txt; flock -x 9 && echo x; " + _python("import fcntl; f = open('b.txt', 'a'); fcntl.lockf(f, fcntl.LOCK_EX); print('y')"), "x\ny\n"),
    "modes, times, attributes": Control("echo x > m; chmod 751 m; touch -d @7 m; stat -c '%a %Y' m; cp -a m n; stat -c '%a %Y' n; chmod 644 a.txt; mkdir -p k; chmod 700 k; stat -c %a k",
        "751 7\n751 7\n700\n"),
    "modes by descriptor": Control(_python("import os; f = os.open('q', os.O_CREAT | os.O_RDWR); os.fchmod(f, 0o640); os.utime(f, (3, 3)); s = os.fstat(f); print(oct(s.st_mode), s.st_mtime)"), "0o100640 3.0\n"),
    "archives": Control('mkdir -p t/u; echo x > t/u/v; chmod 640 t/u/v; tar cf t.tar t; rm -rf t; tar xf t.tar; stat -c %a t/u/v; rm -rf t t.tar', "640\n"),
    "hard and soft links": Control("echo x > h1; ln h1 h2; ln -s h1 h3; cat h2 h3", "x\nx\n"),
    "rename a folder": Control("mkdir -p sub/deep; mv sub/deep sub/peed; mv other rehto; cat rehto/o.txt", "o\n"),
    "watch files": Control(_python("import ctypes, os; l = ctypes.CDLL(None); f = l.inotify_init(); print(l.inotify_add_watch(f, b'.', 0x100)); open('w', 'w'); print(len(os.read(f, 99)) > 0)"), "1\nTrue\n"),
    "a tool of one's own": Control("tool", "tool\n"),
    "a tool in /opt on PATH": Control('case "$PATH" in */opt/assent-proof-*) opted;; *) echo opted;; esac', "opted\n"),
    "certificates of the system": Control(_python("import ssl; c = ssl.create_default_context(); c.load_default_certs(); print(sum(c.cert_store_stats().values()) > 0 or not __import__('os').path.exists('/etc/ssl/certs/ca-certificates.crt'))"), "True\n"),
    "certificates that came with a package": Control("cat node_modules/q/cacert.pem venv/lib/certifi/cacert.pem", "certificate\ncertificate\n"),
    "what packages are installed": Control("command -v dpkg-query > /dev/null || { echo ok; exit; }; dpkg-query -W -f='${db:Status-Status}\n' dpkg | sed s/installed/ok/", "ok\n"),
    "perl": Control("command -v perl > /dev/null || { echo 7; exit; }; perl -MCwd -e 'print 7, qq(\\n) if getcwd'", "7\n"),
    "the host's own name": Control("getent hosts localhost > /dev/null; getent hosts $(uname -n) > /dev/null && echo x", "x\n", OVERLAY),
    "lasting temporary files": Control('test "$TMPDIR" = /tmp || exit 0; f=$(mktemp -p /var/tmp) && echo x > "$f" && cat "$f"', "x\n", OVERLAY),
    "who one is": Control("id -u > /dev/null && python3 -c 'import os, pwd; os.getgroups(); print(7)'", "7\n"),
    "signals about a descriptor": Control(_python(
        "import fcntl, os, signal, socket\nseen = []; signal.signal(signal.SIGIO, lambda *a: seen.append(1)); s, t = socket.socketpair()\n"
        "fcntl.fcntl(s, fcntl.F_SETOWN, os.getpid()); fcntl.fcntl(s, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK); t.send(b'x'); print(seen)"), "[1]\n"),
    "modes by way of /proc": Control(
        "echo x > pm; exec 9< pm; for p in /proc/self/fd/9 /proc/./self/fd/9 //proc//self/fd/9 /dev/fd/9 /proc/thread-self/fd/9; do chmod 600 pm; python3 -c 'import os, sys; os.chmod(sys.argv[1], 0o640)' $p; stat -c %a pm; done 9< pm",
        "640\n" * 5),
    "modes through links": Control("mkdir -p d1/d2; echo x > d1/d2/f; ln -sfn d1 l1; ln -sfn $PWD/l1/d2 l2; chmod 600 l2/f; stat -c %a d1/d2/f; chmod 700 l2/; stat -c %a d1/d2; ln -sfn nowhere l3; chmod 600 l3 2> /dev/null; echo $?; ln -sfn l4 l4; chmod 600 l4 2> /dev/null; echo $?; chmod 600 l2/f/x 2> /dev/null; echo $?",
        "600\n700\n1\n1\n1\n"),
    "asyncio over a unix socket": Control(_python(
        "import asyncio, os\nasync def main():\n"
        "    async def serve(r, w): w.write(await r.readline()); w.close()\n"
        "    async with await asyncio.start_unix_server(serve, 'asock'):\n"
        "        r, w = await asyncio.open_unix_connection('asock'); w.write(b'x\\n'); print(await r.readline()); w.close()\n"
        "asyncio.run(main()); os.unlink('asock')"), "b'x\\n'\n"),
    "a socket that nobody listens at": Control(_python("import os, socket\ns = socket.socket(1); s.bind('dead'); s.close()\ntry: socket.socket(1).connect('dead')\nexcept OSError as e: print(e.errno)\nos.unlink('dead')"), "111\n"),
    "kinds of descriptors": Control(_python(
        "import os, select, mmap, signal, time\nf = os.memfd_create('x'); os.write(f, b'x'); m = mmap.mmap(f, 1); e = os.eventfd(1); p = select.epoll(); p.register(e, 1)\n"
        "r, w = os.pipe2(os.O_CLOEXEC); os.pidfd_open(os.getpid()); print(m[:], len(p.poll(1)), os.get_blocking(r))"), "b'x' 1 True\n"),
    "copies within the kernel": Control(_python("import os, shutil; open('k1', 'w').write('x' * 9); shutil.copy('k1', 'k2'); os.copy_file_range(os.open('k1', 0), os.open('k3', 65, 0o600), 9); print(open('k2').read() + open('k3').read())"), "x" * 18 + "\n"),
    "make with jobs": Control("command -v make > /dev/null || { echo 3; exit; }; printf 'all: a b c\\na b c:\\n\\t@sleep 0.01; echo $@ > made-$@\\n' > Makefile.t; make -s -j3 -f Makefile.t; ls made-* | wc -l; rm -f made-* Makefile.t", "3\n"),
    "a git worktree of one's own": Control("git worktree add -q ../wt-$$ HEAD 2> /dev/null && git -C ../wt-$$ log --format=tformat:x -1 && git worktree remove ../wt-$$ || echo x", "x\n", OVERLAY),
    "git bundles and archives": Control("git bundle create -q b.bundle HEAD; git bundle verify -q b.bundle > /dev/null 2>&1; echo $?; git archive HEAD a.txt | tar tf -; rm b.bundle", "0\na.txt\n"),
    "node with workers and sockets": Control(
        "command -v node > /dev/null || { echo x; exit; }; node -e \"const n = require('net'), f = require('fs'); const s = n.createServer(c => c.end('x')).listen('nsock', () => n.connect('nsock').on('data', d => { console.log(d.toString()); s.close(); }));\"", "x\n"),
    "npm beside credentials": Control("command -v npm > /dev/null || { echo pack; exit; }; echo '{\"name\":\"p\",\"version\":\"1.0.0\"}' > package.json; npm pack --offline --silent > /dev/null && echo pack; rm -f package.json p-1.0.0.tgz", "pack\n"),
    "pip of a virtual environment": Control(
        'python3 -c "import ensurepip" 2> /dev/null || { echo 0; exit; }; python3 -m venv "$TMPDIR/w" && mkdir -p pk && printf "from setuptools import setup\\nsetup(name=\'pk\', version=\'1\')\\n" > pk/setup.py && "$TMPDIR/w/bin/pip" list > /dev/null 2>&1; echo $?', "0\n"),
    "cargo": Control("command -v cargo > /dev/null && cargo --version > /dev/null 2>&1 || { echo Hello, world!; exit; }; mkdir -p cg && cd cg && cargo init -q --vcs none --name cg . && cargo run -q --offline", "Hello, world!\n"),
    "sqlite between processes": Control(_python(
        "import sqlite3, subprocess, sys\nc = sqlite3.connect('s.db', timeout=0); c.execute('create table t(a)'); c.commit(); c.execute('begin exclusive')\n"
        "w = [sys.executable, '-c', 'import sqlite3; c = sqlite3.connect(\"s.db\", timeout=0); c.execute(\"insert into t values(1)\"); c.commit()']\n"
        "print(subprocess.run(w, stderr=-3).returncode); c.rollback(); print(subprocess.run(w).returncode)"), "1\n0\n"),
    "a fifo": Control("mkfifo p; echo x > p & cat p; rm p", "x\n"),
}  # fmt: skip

_ALTER = "echo x >> a.txt; tail -n 1 a.txt; rm -r other; mkdir other; echo y > other/new; ls other; mv sub/b.txt c; cat c; git status --short | wc -l"
_ALTERED = "x\nnew\nb\n5\n"
_OUTER = 'git init -q inner; cp repo/a.txt inner; git -C inner add a.txt; git -C inner commit -qm inner; cd repo; git -c protocol.file.allow=always submodule --quiet add "$PWD/../inner" mod; git commit -qm mod'
_WORK = "git status --short; echo x > new; git add new; git -c user.name=n -c user.email=e@x commit -qm second; git log --format=%s; tail -n 1 a.txt"
PLACES = {
    "a linked worktree": Place('git -C repo worktree add -q -b side ../linked', _WORK, "second\nfirst\nhello\n", root="linked"),
    "a repository with a submodule": Place(
        _OUTER, "cat mod/a.txt; echo x >> mod/a.txt; tail -n 1 mod/a.txt; git log -1 --format=%s", "hello\nx\nmod\n"),
    "git in a submodule": Place(
        _OUTER, "git -C mod log --format=%s; echo x >> mod/a.txt; git -C mod diff --stat | tail -n 1; git status --short", "inner\n 1 file changed, 1 insertion(+)\n m mod\n", tiers=OVERLAY),
    "a submodule": Place(
        'git init -q inner; cp repo/a.txt inner; git -C inner add a.txt; git -C inner commit -qm first; cd repo; git -c protocol.file.allow=always submodule --quiet add "$PWD/../inner" mod',
        _WORK, "second\nfirst\nhello\n", root="repo/mod"),
    "home itself": Place("cp -r repo/. home", f"{_ALTER}; cat .ssh/id_ed25519 2> /dev/null", "x\nnew\nb\n", root="home"),
    "behind a link": Place("ln -s repo link", _ALTER, _ALTERED, root="link"),
    "state on tmpfs": Place("", _ALTER, _ALTERED, state="/dev/shm/$MARK"),
    "a python that is a link into home": Place(
        'ln -s "$(python3 -c "import sys; print(sys.base_prefix)")" home/py; mkdir -p repo/.venv/bin; cd repo; ln -s "$HOME/py/bin/python3" .venv/bin/python; echo "home = $HOME/py/bin" > .venv/pyvenv.cfg',
        '.venv/bin/python -c "import sys; print(sys.prefix != sys.base_prefix)"', "True\n"),
}  # fmt: skip
OWNERS = {
    "files of a further group": Place(
        'chgrp -R "$GROUP" repo; chmod -R g+w repo', _ALTER, _ALTERED),
    "a folder for a group": Place(
        'chgrp "$GROUP" repo repo/sub; chmod 2775 repo repo/sub', _ALTER, _ALTERED),
    "a git folder for a group": Place('chgrp -R "$GROUP" repo/.git', _WORK, "second\nfirst\nhello\n"),
    "files of root": Place(
        "", "cat root.txt shared.txt; echo x >> shared.txt; tail -n 1 shared.txt; echo m >> locked/mine.txt; tail -n 1 locked/mine.txt; rm root.txt; ls",
        "root\nshared\nx\nm\nlocked\nshared.txt\n", root="../given"),
}  # fmt: skip
"""Files that the user may change and that are not, or not only, theirs."""

_SMALL = Limits(seconds=100)
_M = 1 << 20
_HOARD = """
import os, time
def hold(file):
    for _ in range(10): os.write(file, b'x' * 1_000_000)
def wait(): time.sleep(60)
"""
"""400 million bytes at most, a second of waiting for the watch."""
BOMBS = {
    "processes": Bomb(("sh", "-c", "f() { sleep $MARK & f; }; f 2> /dev/null; while :; do sleep 0.2; done"), Limits(seconds=1, processes=60), ("time", "exit", "signal", "processes"), "root"),
    "processes that double": Bomb(("sh", "-c", "b() { b 2> /dev/null | b 2> /dev/null & }; b; sleep 1; sleep $MARK"), Limits(seconds=1, processes=60), ("time", "exit", "signal", "processes"), "root"),
    "threads": Bomb(("python3", "-c", "import threading, time\nwhile 1: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"), Limits(seconds=10, processes=80), ("exit", "signal", "time", "processes"), "root"),
    "memory of one": Bomb(("python3", "-c", "b = []\nwhile 1: b.append(bytearray(b'x') * 10_000_000)"), Limits(seconds=100, memory=200 * _M), ("exit", "memory", "signal")),
    "memory of many": Bomb(("sh", "-c", "for i in 1 2 3 4; do python3 -c \"import time; b = b'x' * 60_000_000; time.sleep(90)\" $MARK & done; wait"), Limits(seconds=100, memory=150 * _M), ("memory",)),
    "memory of files": Bomb(("sh", "-c", "while :; do head -c 4000000 /dev/urandom >> /dev/shm/bomb || exit; done"), Limits(seconds=100, memory=100 * _M, disk=100 * _M, file=40 * _M), ("signal", "exit", "memory", "disk")),
    "files that nobody maps": Bomb(("python3", "-c", _HOARD + "import os\nfor _ in range(40): hold(os.memfd_create('x'))\nwait()"), Limits(seconds=100, memory=100 * _M), ("memory",)),
    "files that are shared": Bomb(("python3", "-c", _HOARD + "import mmap\nkept = []\nfor _ in range(40): kept.append(mmap.mmap(-1, 10_000_000)); kept[-1].write(b'x' * 10_000_000)\nwait()"), Limits(seconds=100, memory=100 * _M), ("memory",)),
    "files that are under way": Bomb(("python3", "-c", _HOARD + "import os, socket\na, b = socket.socketpair()\nfor _ in range(40):\n    f = os.memfd_create('x'); hold(f); socket.send_fds(a, [b'x'], [f]); os.close(f)\nwait()"), Limits(seconds=100, memory=100 * _M), ("memory",)),
    "what waits in sockets": Bomb(("python3", "-c", _HOARD + "import resource, socket\nresource.setrlimit(resource.RLIMIT_NOFILE, 2 * (resource.getrlimit(resource.RLIMIT_NOFILE)[1],))\nkept = []\ntry:\n    for _ in range(1500):\n        kept.append(socket.socketpair())\n        for each in kept[-1]:\n            each.setblocking(False)\n            try:\n                while each.send(b'x' * 100_000): pass\n            except BlockingIOError: pass\nexcept OSError: pass\nwait()"), Limits(seconds=100, memory=100 * _M), ("memory",)),
    "files of a closed process": Bomb(("python3", "-c", _HOARD + "import ctypes, os\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\nfor _ in range(40): hold(os.memfd_create('x'))\nwait()"), Limits(seconds=100, memory=100 * _M), ("memory",)),
    "segments": Bomb(("python3", "-c", _HOARD + "import ctypes\nc = ctypes.CDLL(None); c.shmat.restype = ctypes.c_void_p; c.shmdt.argtypes = [ctypes.c_void_p]\nfor _ in range(40):\n    i = c.shmget(0, 10_000_000, 0o1600)\n    if i < 0: raise SystemExit\n    p = c.shmat(i, None, 0); ctypes.memset(p, 1, 10_000_000); c.shmdt(p)\nwait()"), Limits(seconds=100, memory=100 * _M), ("memory", "exit")),
    "empty files in memory": Bomb(("python3", "-c", _HOARD + "import os\nfor i in range(300_000): os.close(os.open(f'/dev/shm/bomb{i}', os.O_CREAT))\nwait()"), Limits(seconds=100, memory=100 * _M), ("memory", "exit")),
    "one file": Bomb(("sh", "-c", "exec head -c 400000000 /dev/zero > bomb"), Limits(seconds=100, file=4 * _M), ("signal", "exit")),
    "many files": Bomb(("sh", "-c", "i=0; while :; do head -c 2000000 /dev/urandom > bomb$i; i=$((i+1)); sleep 0.02; done"), Limits(seconds=100, disk=20 * _M), ("disk",)),
    "empty files": Bomb(("python3", "-c", "i = 0\nwhile 1: open(f'bomb{i}', 'w').close(); i += 1"), Limits(seconds=1, disk=20 * _M), ("time", "disk", "exit")),
    "output": Bomb(("sh", "-c", "timeout 0.5 yes; :"), Limits(seconds=100, output=10_000), ("exit",)),
    "one endless line": Bomb(("sh", "-c", "timeout 0.5 cat /dev/zero; :"), Limits(seconds=100, output=10_000), ("exit",)),
    "deaf to signals": Bomb(("sh", "-c", "trap '' TERM INT HUP QUIT; while :; do sleep 0.05; done"), Limits(seconds=0.5), ("time",)),
    "a daemon": Bomb(("sh", "-c", "setsid sh -c 'sleep $MARK & sleep $MARK' > /dev/null 2>&1 & echo on"), _SMALL, ("exit",)),
    "a daemon that forks twice": Bomb(("python3", "-c", "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: os.execvp('sleep', ['sleep', os.environ['MARK']])"), _SMALL, ("exit",)),
    "one that holds the pipe": Bomb(("sh", "-c", "sleep $MARK & exit 0"), _SMALL, ("exit",)),
    "one that forks again and again": Bomb(("python3", "-c", "import os, sys, time\nend = time.time() + 8\nif os.fork() == 0:\n    while time.time() < end:\n        if os.fork(): os._exit(0)\n        os.setsid()"), _SMALL, ("exit",), "root"),
    "processor time": Bomb(("sh", "-c", "while :; do :; done"), Limits(seconds=0.5), ("time",)),
}  # fmt: skip
