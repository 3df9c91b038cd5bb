"""A second list of attempts, over what the first does not try: links, places, masks, sockets, numbers of calls, arguments.

Written and judged as those of `escapes.py`; what a repository brings for them, `proving.World` makes.
"""

# ruff: noqa: E501 - a script stays on one line

from __future__ import annotations

from assent_sandbox.policy import Widening
from sandbox.escapes import NOT_HERE, Attempt

NETWORK = (Widening("network"),)
_LOCK = 'for f in {}; do exec 9< "$f" && flock -xn 9 && for i in $(seq 30); do test -e "$OPEN/noticed" && break; sleep 0.05; done; done'


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
    "in a folder that cannot be listed": Attempt("masked as a whole", "chmod 700 closed; cat closed/.env; ls closed", ruins=True),
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
        "for _ in range(60):\n"
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
        "for _ in range(60):\n"
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
        "for _ in range(30): os.path.exists(E['OPEN'] + '/noticed') or time.sleep(0.05)", python=True, gap="locks"),
    "a lease on a toolchain": Attempt("seen through an overlay, where there are none",
        "f = os.open(E['HOME'] + '/.cargo/bin/tool', os.O_RDONLY); signal.signal(signal.SIGIO, signal.SIG_IGN); lease = any(libc.fcntl(f, 1024, 0) == 0 for _ in range(20))\n"
        "for _ in range(30): os.path.exists(E['OPEN'] + '/noticed') or time.sleep(0.05)", python=True, gap="locks"),
}  # fmt: skip

_OWN = "s, t = socket.socketpair(); {}; fcntl.fcntl(s, 10, 9); fcntl.fcntl(s, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK); t.send(b'x')"
_LATER = "the kernel has had it since {}"

CALLS = {
    "signals by the owner of a descriptor": Attempt("own pid namespace; Landlock's scope, the supervisor", _OWN.format("fcntl.fcntl(s, 8, victim)"), python=True, gap="signals"),
    "signals by an owner given by address": Attempt("own pid namespace; Landlock's scope, seccomp",
        _OWN.format("fcntl.fcntl(s, 15, struct.pack('ii', 1, victim))"), python=True, gap="signals"),
    "signals by the owner of a socket": Attempt("own pid namespace; Landlock's scope, seccomp",
        _OWN.format("fcntl.ioctl(s, 0x8901, struct.pack('i', victim))"), python=True, gap="signals"),
    "signals by another name of that": Attempt("own pid namespace; Landlock's scope, seccomp",
        _OWN.format("fcntl.ioctl(s, 0x8902, struct.pack('i', victim))"), python=True, gap="signals"),
    "signals to a group by the owner": Attempt("own pid namespace; Landlock's scope, the supervisor", _OWN.format("fcntl.fcntl(s, 8, -victim)"), python=True, gap="signals"),
    "attributes by the new call": Attempt("read-only rest; seccomp",
        "each(*(lambda p=p: call('file_setattr', -100, os.fsencode(p), struct.pack('QIIII', 0x80, 0, 0, 0, 0), 24, 0) for p in OUTSIDE))", python=True,
        unproven=_LATER.format("6.17")),
    "attributes by the new calls of names": Attempt("read-only rest; seccomp",
        "each(*(lambda p=p: call('setxattrat', -100, os.fsencode(p), 0, b'user.x', struct.pack('QII', ctypes.addressof(ctypes.create_string_buffer(b'x')), 1, 0), 16) for p in OUTSIDE))",
        python=True, unproven=_LATER.format("6.13")),
    "what no table has": Attempt("seccomp",
        "for number in (*range(340, 424), *range(470, 700), 1023, 4095):\n"
        "    libc.syscall.restype = ctypes.c_long\n"
        "    if libc.syscall(ctypes.c_long(number), *(6 * [ctypes.c_long(-1)])) != -1 or ctypes.get_errno() != errno.ENOSYS: print('REACHED', number)",
        python=True, unproven="kernels may not have so many"),
    "a message of others by its number": Attempt("own ipc namespace; seccomp",
        "b = ctypes.create_string_buffer(4096)\nfor i in (int(E['QUEUE']), 0, 32768):\n    n = call('msgrcv', i, b, 4000, 0, 0x800); print(b.raw[8:8 + max(n, 0)])", python=True),
    "semaphores of others by their number": Attempt("own ipc namespace; seccomp", "reached(call('semctl', int(E['SEMAPHORES']), 0, 11, 0))", python=True),
    "an operation on semaphores of others": Attempt("own ipc namespace; seccomp", "reached(call('semop', int(E['SEMAPHORES']), struct.pack('HhH', 0, 1, 0), 1))", python=True),
    "memory of others by its number": Attempt("own ipc namespace; seccomp", "reached(call('shmctl', int(E['MEMORY']), 0, 0))", python=True),
    "hidden memory": Attempt("seccomp", "reached(call('memfd_secret', 0))", python=True, unproven="may be off"),
    "walls by attribute": Attempt("seccomp", "reached(call('lsm_set_self_attr', 100, struct.pack('QQQQ', 0, 0, 32, 0), 32, 0))", python=True, unproven="needs a module of security"),
    "memory of the dying": Attempt("own pid namespace; seccomp", "p = call('pidfd_open', victim, 0); reached(call('process_mrelease', p, 0))", python=True,
        unproven="only of one that dies"),
}  # fmt: skip

SUPERVISOR = {
    "a mode through /proc by detours": Attempt("hidden home, read-only rest; judged where it leads",
        "os.symlink('/proc', 'p'); f = [os.open(p, os.O_PATH) for p in OUTSIDE if os.path.exists(p)]\n"
        "ways = ('/proc/self/fd', '/proc/./self/fd', '//proc//self//fd', '/proc/self/../self/fd', 'p/self/fd', '/dev/fd', '/dev/./fd', '/proc/thread-self/fd', '/proc/self/task/../fd')\n"
        "each(*(lambda w=w, n=n: os.chmod(f'{w}/{n}', 0o777) for w in ways for n in f))", python=True, gap="attributes"),
    "a mode of a keeper's own descriptors": Attempt("judged where it leads, for the caller",
        "each(*(lambda w=w, n=n: os.chmod(f'{w}/{n}', 0o777) for w in ('/proc/self/fd', '/proc/./self/fd', '/dev/./fd') for n in range(64)))", python=True, gap="attributes"),
    "a mode through a working folder": Attempt("judged where it leads", "each(*(lambda p=p: (os.chdir(os.path.dirname(p)), os.chmod('/proc/./self/cwd/' + os.path.basename(p), 0o777)) for p in OUTSIDE))",
        python=True, gap="attributes"),
    "a mode through a loop of links": Attempt("judged where it leads",
        "os.symlink('two', 'one'); os.symlink(os.path.abspath('three'), 'two'); os.symlink(OUTSIDE[0], 'three')\n"
        "each(lambda: os.chmod('one', 0o777), lambda: os.chmod('./two/../one', 0o777), lambda: os.utime('one', (1, 1)))", python=True, gap="attributes"),
    "a mode by a path that is exchanged": Attempt("done on the handle that was judged",
        "import threading\nopen('mine', 'w'); b = ctypes.create_string_buffer(200); over = []; good, bad = os.fsencode(os.path.abspath('mine')) + b'\\0', os.fsencode(OUTSIDE[0]) + b'\\0'\n"
        "def exchange():\n"
        "    while not over: b[:len(bad)] = bad; b[:len(good)] = good\n"
        "threading.Thread(target=exchange, daemon=True).start()\n"
        "for _ in range(60): libc.chmod(b, 0o777)\n"
        "over.append(1)", python=True, gap="attributes"),
    "a mode by a link that is exchanged": Attempt("done on the handle that was judged",
        "import threading\nopen('mine', 'w'); os.symlink('mine', 'l'); over = []\n"
        "def exchange():\n"
        "    while not over:\n"
        "        for to in ('mine', OUTSIDE[0]): os.symlink(to, 'm'); os.rename('m', 'l')\n"
        "t = threading.Thread(target=exchange); t.start()\n"
        "each(*(lambda: os.chmod('l', 0o777) for _ in range(60)))\n"
        "over.append(1); t.join()", python=True, gap="attributes"),
    "an owner by a trailing slash": Attempt("judged where it leads", "os.symlink(os.path.dirname(OUTSIDE[0]), 'd')\neach(lambda: os.chmod('d/', 0o700), lambda: os.chmod('d/.', 0o700), lambda: os.chmod('d/victim', 0o777))",
        python=True, gap="attributes"),
    "a signal to a negative thread": Attempt("own pid namespace; Landlock's scope, the supervisor", "call('tkill', -victim, 9); call('rt_sigqueueinfo', victim | 1 << 32, 9, struct.pack('iiii', 9, 0, -1, 0).ljust(128, b'\\0'))",
        python=True, gap="signals"),
    "a watch through a detour": Attempt("hidden home; the supervisor",
        "os.symlink('/proc/self/root' + E['HOME'], 'h'); f = libc.inotify_init(); reached(libc.inotify_add_watch(f, b'h/.ssh/id_ed25519', 2))", python=True, gap="metadata"),
    "a terminal by a forged request": Attempt("own devpts; the supervisor",
        "each(lambda: os.write(fcntl.ioctl(os.open(E['TERMINAL'], os.O_RDWR), 0x5441, os.O_RDWR), b'x'), lambda: fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), 0x5441, os.O_RDWR))",
        python=True, unproven="only of a master"),
}  # fmt: skip

GROUPS = {
    "calls": CALLS,
    "supervisor": SUPERVISOR,
    "links": LINKS,
    "elsewhere": ELSEWHERE,
    "masks": MASKS,
    "place": PLACE,
    "sockets": SOCKETS,
}
