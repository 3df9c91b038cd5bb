"""A second list of attempts, over what the first does not try: links, places, masks, sockets, numbers of calls, arguments.

Written and judged as those of `escapes.py`; what a repository brings for them, `proving.World` makes.
"""

# ruff: noqa: E501 - a script stays on one line

from __future__ import annotations

from assent_sandbox.policy import Widening
from sandbox.escapes import NOT_HERE, Attempt

NETWORK = (Widening("network"),)
_LOCK = 'for f in {}; do exec 9< "$f" && flock -xn 9 && for i in $(seq 60); do test -e "$OPEN/noticed" && break; sleep 0.05; done; done'


A_RACE = "a race that is rarely won"

LINKS = {
    "a link to a folder with a program": Attempt("not an installation", 'cat ~/private/key; ls ~/private'),
    "a link to a bin without a lib": Attempt("not an installation", "cat ~/work/notes; ls ~/work"),
    "a link to an environment in a project": Attempt("only its parts are shown", "cat ~/project/notes ~/project/lib/notes"),
    "a link in node_modules/.bin on PATH": Attempt("links of the repository show no tools", "cat ~/linked/notes; ls ~/linked"),
    "a link on PATH to a folder": Attempt("links of the repository show no folders", "cat ~/kept/notes; ls ~/kept/"),
    "the real repository through a toolchain": Attempt("not shown again", "cat ~/again/.env; cat ~/again/bin/../.env"),
    "the target of a secret link": Attempt("masked wherever it lies", 'cat .env.production; cat "$OPEN/prod.env"; cat ~/.cargo/prod.env; cat .env.staging'),
    "a link that is made to a toolchain's neighbour": Attempt("hidden home", 'ln -s ~/.cargo/../private p; cat p/key; cd ~/.cargo/bin && cat ../../private/key'),
}  # fmt: skip

ELSEWHERE = {
    "a file beside, mode 600": Attempt("covered; Landlock", 'for d in $ELSEWHERE "$OPEN"; do cat "$d/secret"; done'),
    "names beside": Attempt("covered; Landlock", 'for d in $ELSEWHERE "$OPEN"; do ls "$d" | grep -q secret && echo REACHED; done'),
    "by a path with dots": Attempt("covered; Landlock", 'for d in $ELSEWHERE; do cat "/usr/../$d/secret"; cat "$d/../$(basename "$d")/secret"; done'),
    "through the root of a process": Attempt("covered; Landlock", 'for d in $ELSEWHERE; do cat "/proc/self/root$d/secret" "/proc/1/root$d/secret"; done'),
    "through a link": Attempt("covered; Landlock", 'n=0; for d in $ELSEWHERE; do n=$((n+1)); ln -s "$d" "k$n"; cat "k$n/secret"; done'),
    "by a handle of a folder": Attempt("covered; Landlock",
        "for d in E['ELSEWHERE'].split():\n"
        "    each(lambda: print(open(os.open('secret', os.O_RDONLY, dir_fd=os.open(d, os.O_PATH))).read()))", python=True),
    "a neighbour of a toolchain in /opt": Attempt("the toolchain is shown, not what lies beside", 'cat "$TOOLS/../$(basename "$BESIDE")/secret"; cat "$BESIDE/secret"'),
    "write into a toolchain in /opt": Attempt("read-only; Landlock", 'echo x > "$TOOLS/bin/opted"; echo x > "$TOOLS/new"; rm -f "$TOOLS/bin/opted"'),
    "a file at the root": Attempt("blanked; Landlock", 'cat "/$MARK.conf"', unproven="only root could make one"),
    "logs": Attempt("covered; Landlock", 'cat "/var/log/shown-$MARK"', unproven="only root could make one"),
}  # fmt: skip

MASKS = {
    "capitals": Attempt("masked by any case", "cat .ENV conf/Server.PEM conf/.Env.Local conf/ID_RSA"),
    "keys of other kinds": Attempt("masked", "cat id_ecdsa id_dsa keys/id_ecdsa_sk"),
    "credentials of tools": Attempt("masked", "cat .npmrc .pypirc .git-credentials conf/.netrc"),
    "in node_modules": Attempt("masked", "cat node_modules/p/.env; cat node_modules/p/server.key"),
    "in target": Attempt("masked", "cat target/.env target/debug/.env"),
    "in venv": Attempt("masked", "cat venv/.env; cat venv/lib/id_rsa"),
    "in .tox": Attempt("masked", "cat .tox/.env; cat .tox/py/.env"),
    "in caches": Attempt("masked", "cat __pycache__/.env .mypy_cache/.env .svn/.env .hg/.env"),
    "in a folder that cannot be listed": Attempt("masked as a whole", "chmod 700 closed; cat closed/.env; ls closed"),
    "copied with its folder": Attempt("masked", "cp -r conf c2; cat c2/*; tar c conf node_modules/p target | cat; git stash -u; git show stash@{0}^3:.ENV"),
    "renamed folder": Attempt("masked", "mv conf d2; cat d2/Server.PEM; mv target t2; cat t2/.env; mv node_modules n2; cat n2/p/.env"),
    "renamed above": Attempt("masked", "mkdir up; mv conf target .tox up/; cat up/conf/Server.PEM up/target/.env up/.tox/.env"),
    "a hard link": Attempt("masked", "ln .ENV l1; cat l1; ln conf/Server.PEM l2; cat l2; ln target/.env l3; cat l3"),
    "by a handle of the folder": Attempt("masked",
        "d = os.open('conf', os.O_PATH)\nos.chdir('/tmp')\n"
        "each(lambda: print(open(os.open('Server.PEM', os.O_RDONLY, dir_fd=d)).read()), lambda: print(open(f'/proc/self/fd/{d}/Server.PEM').read()))", python=True),
    "deleted and made again": Attempt("masked", "rm -rf conf; mkdir conf; cat conf/Server.PEM; git checkout -q .; cat conf/Server.PEM"),
    "through the kernel's copy": Attempt("masked",
        "for name in ('.ENV', 'target/.env'):\n"
        "    each(lambda: (os.copy_file_range(os.open(name, 0), os.open('o', os.O_CREAT | os.O_RDWR), 99), print(open('o').read())),\n"
        "         lambda: os.sendfile(1, os.open(name, 0), 0, 99))", python=True),
    "a link in the link's way": Attempt("masked", "mv sub s2; ln -s s2 sub; cat sub/tls.key s2/tls.key"),
}  # fmt: skip

PLACE = {
    "the path above moved and linked": Attempt("put by descriptors, no link followed",
        'p=$(dirname "$VIEW"); cd /; mv "$p" "$p.away" && ln -s "$p.away" "$p"', unproven=NOT_HERE, ruins=True, then="cat .env sub/tls.key .ENV"),
    "the top moved and linked": Attempt("put by descriptors, no link followed",
        'p=$(dirname "$(dirname "$VIEW")"); cd /; mv "$p" /tmp/away && ln -s /tmp/away "$p"', unproven=NOT_HERE, ruins=True, then="cat .env sub/tls.key; cat /tmp/away/*/repo/.env"),
    "a link to the root in its way": Attempt("put by descriptors, no link followed",
        'p=$(dirname "$VIEW"); cd /; mv "$p" "$p.away" && ln -s / "$p"', unproven=NOT_HERE, ruins=True, then="cat .env sub/tls.key; test -e /repo/a.txt && echo REACHED"),
    "a file in its way": Attempt("put by descriptors, no link followed",
        'p=$(dirname "$VIEW"); cd /; mv "$p" "$p.away" && echo x > "$p"', unproven=NOT_HERE, ruins=True, then="cat .env sub/tls.key"),
    "a loop in its way": Attempt("put by descriptors, no link followed",
        'p=$(dirname "$VIEW"); cd /; mv "$p" "$p.away" && ln -s "$p" "$p"', unproven=NOT_HERE, ruins=True, then="cat .env sub/tls.key"),
    "a link to a process's folder": Attempt("put by descriptors, no link followed",
        'p=$(dirname "$VIEW"); cd /; mv "$p" "$p.away" && ln -s /proc/self/cwd "$p"', unproven=NOT_HERE, ruins=True, then="cat .env sub/tls.key"),
    "the repository's own name linked": Attempt("put by descriptors, no link followed",
        'p=$(dirname "$VIEW"); cd /; mv "$p" "$p.away"; mkdir "$p"; ln -s "$p.away/repo" "$p/repo"', unproven=NOT_HERE, ruins=True, then="cat .env sub/tls.key"),
    "moved while it runs": Attempt("mounts move along",
        'p=$(dirname "$VIEW"); cd /; mv "$p" "$p.away"; cat "$p.away/repo/.env" "$p.away/repo/sub/tls.key"; ln -s "$p.away" "$p"; cat "$p/repo/.env"', ruins=True, unproven=NOT_HERE),
    "a folder closed above": Attempt("put by descriptors, no link followed",
        'p=$(dirname "$VIEW"); cd /; chmod 000 "$p"', unproven=NOT_HERE, ruins=True, then="cat .env sub/tls.key"),
}  # fmt: skip

SOCKETS = {
    "an agent, with the network": Attempt("connect is supervised; covered", "path_socket(E['HOME'] + '/s')", python=True, granted=NETWORK),
    "a socket in /tmp, with the network": Attempt("connect is supervised; own /tmp", "path_socket('/tmp/s-' + E['MARK'])", python=True, granted=NETWORK),
    "a socket outside, with the network": Attempt("connect is supervised; covered", "path_socket(E['OPEN'] + '/s')", python=True, granted=NETWORK),
    "a datagram, with the network": Attempt("seccomp; covered",
        "each(*(lambda p=p: socket.socket(1, 2).sendto(b'x', p) for p in (E['OPEN'] + '/d', E['HOME'] + '/d')))", python=True, granted=NETWORK),
    "a connected datagram, with the network": Attempt("seccomp; covered", "path_socket(E['HOME'] + '/d', socket.SOCK_DGRAM)", python=True, granted=NETWORK),
    "from a pair, with the network": Attempt("seccomp; covered",
        "each(*(lambda p=p: socket.socketpair(1, 2)[0].sendto(b'x', p) for p in (E['OPEN'] + '/d', E['HOME'] + '/d')))", python=True, granted=NETWORK),
    "sendmsg from a pair, with the network": Attempt("seccomp; covered",
        "each(lambda: socket.socketpair(1, 2)[0].sendmsg([b'x'], [], 0, E['HOME'] + '/d'))", python=True, granted=NETWORK),
    "through a link, with the network": Attempt("connect is supervised; covered", "os.symlink(E['HOME'] + '/s', 'l'); path_socket('l')", python=True, granted=NETWORK),
    "through a descriptor, with the network": Attempt("connect is supervised; covered",
        "f = os.open(E['HOME'] + '/s', os.O_PATH); path_socket(f'/proc/self/fd/{f}')", python=True, granted=NETWORK),
    "without blocking, with the network": Attempt("connect is supervised; covered",
        "s = socket.socket(1); s.setblocking(False); s.connect(E['HOME'] + '/s'); s.send(b'x')", python=True, granted=NETWORK),
    "an address that is exchanged meanwhile": Attempt("connect is done on the address that was judged",
        "import threading\n"
        "unix = struct.pack('H', 1) + os.fsencode(E['HOME'] + '/s') + b'\\0'\n"
        "inet = struct.pack('!2sH4s8x', b'\\2\\0', 9, b'\\x7f\\0\\0\\1')\n"
        "b = ctypes.create_string_buffer(max(len(unix), 16)); over = []\n"
        "def exchange():\n"
        "    while not over: b[:len(unix)] = unix; b[:16] = inet\n"
        "threading.Thread(target=exchange, daemon=True).start()\n"
        "for _ in range(400):\n"
        "    s = socket.socket(1)\n"
        "    if libc.connect(s.fileno(), b, len(unix)) == 0: s.send(b'x'); break\n"
        "    s.close()\n"
        "over.append(1)", python=True, granted=NETWORK, unproven=A_RACE),
    "a descriptor that is exchanged meanwhile": Attempt("connect is done on the descriptor that was taken",
        "import threading\n"
        "over = []; u = socket.socket(1); i = socket.socket(2); n = os.dup(i.fileno())\n"
        "unix = struct.pack('H', 1) + os.fsencode(E['HOME'] + '/s') + b'\\0'\n"
        "def exchange():\n"
        "    while not over: os.dup2(u.fileno(), n); os.dup2(i.fileno(), n)\n"
        "threading.Thread(target=exchange, daemon=True).start()\n"
        "for _ in range(400):\n"
        "    if libc.connect(n, unix, len(unix)) == 0: u.send(b'x'); break\n"
        "over.append(1)", python=True, granted=NETWORK, unproven=A_RACE),
    "a socket in a toolchain": Attempt("seen through an overlay; the supervisor", "path_socket(E['HOME'] + '/.cargo/s')", python=True),
    "a socket that appears in a toolchain": Attempt("seen through an overlay; the supervisor",
        "for _ in range(int(float(E['MOMENT']) * 20)):\n"
        "    if os.path.lexists(E['HOME'] + '/.cargo/late'): break\n"
        "    time.sleep(0.05)\n"
        "path_socket(E['HOME'] + '/.cargo/late')", python=True),
    "a socket in a toolchain, with the network": Attempt("seen through an overlay; the supervisor",
        "path_socket(E['HOME'] + '/.cargo/s')", python=True, granted=NETWORK),
    "a lock on a toolchain": Attempt("seen through an overlay", _LOCK.format("~/.cargo/bin/tool"), gap="locks"),
    "a lock on a toolchain in /opt": Attempt("seen through an overlay", _LOCK.format('"$TOOLS/bin/opted"'), gap="locks"),
    "a lock by fcntl on a toolchain": Attempt("seen through an overlay",
        "f = os.open(E['HOME'] + '/.cargo/bin/tool', os.O_RDONLY); fcntl.lockf(f, fcntl.LOCK_SH | fcntl.LOCK_NB)\n"
        "for _ in range(60): os.path.exists(E['OPEN'] + '/noticed') or time.sleep(0.05)", python=True, gap="locks"),
    "a lease on a toolchain": Attempt("seen through an overlay, where there are none",
        "f = os.open(E['HOME'] + '/.cargo/bin/tool', os.O_RDONLY); signal.signal(signal.SIGIO, signal.SIG_IGN); lease = any(libc.fcntl(f, 1024, 0) == 0 for _ in range(20))\n"
        "for _ in range(60): os.path.exists(E['OPEN'] + '/noticed') or time.sleep(0.05)", python=True, gap="locks"),
}  # fmt: skip

GROUPS = {"links": LINKS, "elsewhere": ELSEWHERE, "masks": MASKS, "place": PLACE, "sockets": SOCKETS}
