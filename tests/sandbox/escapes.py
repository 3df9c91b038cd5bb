"""Attempts to get out of a stage, each with what is to stop it; `proving.py` says on the host's side whether one did.

A script finds the names of its surroundings in its environment, see `World.names`. One that says REACHED did what no
command may do, for what leaves no trace on the host. Everything here aims at disposable things alone.
"""

# ruff: noqa: E501 - a script stays on one line

from __future__ import annotations

import os
from typing import NamedTuple

from assent_sandbox.cell import namespaces, seccomp
from assent_sandbox.policy import Widening


class Attempt(NamedTuple):
    """One way to try; `unproven` says why it cannot be seen to succeed where there are no walls."""

    stop: str
    script: str
    python: bool = False
    gap: str = ""
    """Which gap of the copy tier lets it through, see `gaps.GAPS`."""
    unproven: str = ""
    ruins: bool = False
    """Whether it leaves a view behind in which nothing else can be tried."""
    granted: tuple[Widening, ...] = ()
    """What the user has consented to, which must not open anything besides."""
    then: str = ""
    """A further command, for which the first one prepares."""

    @property
    def argv(self) -> tuple[str, ...]:
        return ("python3", "-I", "-S", "-c", PRELUDE + self.script) if self.python else ("sh", "-c", self.script)


_COLUMN = 0 if namespaces.machine == "x86_64" else 1
_NUMBERS = {name: row[_COLUMN] for name, row in (seccomp.REFUSED | seccomp.REFUSED_UNBOUNDED).items()} | {
    name: row[_COLUMN]
    for name, row in {
        "clone": (56, 220), "unshare": (272, 97), "renameat2": (316, 276), "setpriority": (141, 140), "prlimit": (302, 261),
        "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "mq_timedreceive": (243, 183), "sched_setscheduler": (144, 119),
        "rt_sigqueueinfo": (129, 138), "tkill": (200, 130), "name_to_handle_at": (303, 264), "linkat": (265, 37),
        "file_setattr": (469, 469), "setxattrat": (463, 463), "msgrcv": (70, 188), "semctl": (66, 191), "semop": (65, 193),
        "memfd_secret": (447, 447), "listmount": (458, 458), "lsm_set_self_attr": (460, 460), "process_mrelease": (448, 448),
    }.items()
}  # fmt: skip

PRELUDE = f"""
import ctypes, errno, fcntl, mmap, os, signal, socket, struct, sys, time
E, N, libc = os.environ, {_NUMBERS!r}, ctypes.CDLL(None, use_errno=True)
victim = int(E["VICTIM"])
OUTSIDE = (E["OPEN"] + "/victim", E["HOME"] + "/.cargo/bin/tool")
def call(name, *arguments):
    libc.syscall.restype = ctypes.c_long
    return libc.syscall(ctypes.c_long(N[name]), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
def reached(result):
    if result >= 0: print("REACHED", result)
def each(*steps):
    for step in steps:
        try: step()
        except (OSError, KeyError, ValueError) as error: print(error)
def tcp(family, host, port, kind=socket.SOCK_STREAM, protocol=0):
    s = socket.socket(family, kind, protocol); s.settimeout(9); s.connect((host, int(E[port]))); s.send(b"x")
def path_socket(path, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind); s.settimeout(9); s.connect(path); s.send(b"x")
"""

NO_X32 = "kernels rarely have it"
NO_VSOCK = "needs a host behind a hypervisor"
ALL_DIE = "would end everything on the host that proves it"
ONE_PROCESSOR = "" if len(os.sched_getaffinity(0)) > 1 else "there is but one processor"
NOT_HERE = "would harm a host that has no walls"

WRITES = {
    "write by path": Attempt("hidden home, read-only rest; Landlock", 'for d in "$HOME" "$OUT" "$OPEN"; do echo x > "$d/new"; done'),
    "append by path": Attempt("hidden home, read-only rest; Landlock", 'for d in "$OUT" "$OPEN"; do echo x >> "$d/victim"; done'),
    "write through ~": Attempt("hidden home; Landlock", "cd ~ && echo x > new"),
    "write through a link": Attempt("read-only rest; Landlock", 'ln -s "$OPEN/victim" l; echo x > l'),
    "write through a link to a folder": Attempt("read-only rest; Landlock", 'ln -s "$OPEN" l; echo x > l/new'),
    "write through a hard link": Attempt("two mounts; Landlock", 'ln "$OPEN/victim" h && echo x >> h; ln "$OUT/victim" i && echo x >> i'),
    "link an open file": Attempt("two mounts; Landlock",
        "f = os.open(E['OPEN']+'/victim', os.O_RDONLY); libc.linkat(-100, f'/proc/self/fd/{f}'.encode(), -100, b'h', 0x400); open('h','a').write('x')",
        python=True),
    "put an unnamed file outside": Attempt("two mounts; Landlock",
        "f = os.open('.', os.O_TMPFILE|os.O_RDWR); reached(libc.linkat(-100, f'/proc/self/fd/{f}'.encode(), -100, os.fsencode(E['OPEN']+'/new'), 0x400))",
        python=True),
    "rename from outside": Attempt("two mounts; Landlock", 'mv "$OPEN/victim" v; mv "$OUT/victim" w'),
    "rename over outside": Attempt("two mounts; Landlock", 'echo x > n; mv n "$OPEN/victim"; echo x > n; mv n "$OUT/victim"'),
    "exchange with outside": Attempt("two mounts; Landlock",
        "open('n','w').write('x'); call('renameat2', -100, b'n', -100, os.fsencode(E['OPEN']+'/victim'), 2)", python=True),
    "truncate": Attempt("read-only rest; Landlock", 'truncate -s 0 "$OPEN/victim" "$OUT/victim"; : > "$OPEN/victim"'),
    "change mode": Attempt("read-only rest; the supervisor", 'chmod 777 "$OPEN/victim" "$OUT/victim" "$HOME/.ssh" "$OPEN"', gap="attributes"),
    "change mode by descriptor": Attempt("read-only rest; the supervisor",
        "each(*(lambda p=p: os.fchmod(os.open(p, os.O_RDONLY), 0o777) for p in OUTSIDE))", python=True, gap="attributes"),
    "change times": Attempt("read-only rest; the supervisor", 'touch -d 2001-01-01 "$OPEN/victim" "$OUT/victim" "$HOME/.ssh/id_ed25519"',
        gap="attributes"),
    "change times by descriptor": Attempt("read-only rest; the supervisor",
        "each(*(lambda p=p: os.utime(os.open(p, os.O_RDONLY), (1, 1)) for p in OUTSIDE))", python=True, gap="attributes"),
    "change owner": Attempt("read-only rest; seccomp", 'chgrp "$GROUP" "$OPEN/victim"; chown :"$GROUP" "$OUT/victim"'),
    "change attributes": Attempt("read-only rest; seccomp",
        "each(*(lambda p=p, f=f: os.setxattr(f(p), 'user.x', b'x') for p in OUTSIDE for f in (str, lambda p: os.open(p, 0))))",
        python=True),
    "change flags": Attempt("read-only rest; seccomp",
        "each(*(lambda p=p: fcntl.ioctl(os.open(p, os.O_RDONLY), 0x40086602, struct.pack('l', 0x40)) for p in OUTSIDE))", python=True),
    "delete": Attempt("hidden home, read-only rest; Landlock", 'rm -rf "$OPEN"/* "$OUT"/* "$HOME"/.ssh'),
    "make pipes and folders outside": Attempt("read-only rest; Landlock", 'mkfifo "$OPEN/new"; mkdir "$OPEN/folder"; ln -s x "$OPEN/link"'),
    "bind a socket outside": Attempt("read-only rest; Landlock", "socket.socket(1).bind(E['OPEN']+'/new')", python=True),
    "write to the root of another process": Attempt("own pid namespace; Landlock's scope",
        'for p in self 1 $VICTIM $US $PPID; do echo x > /proc/$p/root"$OPEN"/new; echo x > /proc/$p/cwd/new; done'),
    "write to inherited descriptors": Attempt("close_range",
        "[each(lambda f=f: os.write(f, b'x')) for f in range(3, 256)]", python=True),
    "write to shared memory": Attempt("own /dev/shm; Landlock", 'echo x > "/dev/shm/$MARK"; echo x >> "/dev/shm/shown-$MARK"'),
    "write to the host's temporary folders": Attempt("own /tmp; Landlock", 'echo x > "/tmp/$MARK"; echo x > "/var/tmp/$MARK"'),
    "write to system folders": Attempt("read-only rest; Landlock", 'for d in /etc /usr /usr/local/bin /opt /var/lib /; do echo x > "$d/$MARK"; done',
        unproven="only root could"),
    "write to our state": Attempt("hidden state folder; Landlock", 'echo x > "$STATE/new"; rm -rf "$STATE"/upper "$STATE"/view/.. "$STATE"/manifest'),
    "change system settings": Attempt("read-only /proc; Landlock", 'echo "$MARK" > /proc/sys/kernel/hostname; hostname "$MARK"', unproven="only root could"),
    "make a device": Attempt("no capabilities, nodev",
        'mknod d b ${DISK%:*} ${DISK#*:} && head -c 1 d > /dev/null && echo REACHED', unproven="only root could"),
    "open by handle": Attempt("seccomp",
        "h = ctypes.create_string_buffer(struct.pack('ii', 120, 0).ljust(136, b'\\0')); m = ctypes.c_int()\n"
        "call('name_to_handle_at', -100, os.fsencode(E['OPEN']+'/victim'), h, ctypes.byref(m), 0)\n"
        "f = call('open_by_handle_at', os.open(E['OPEN'], 0), h, os.O_RDWR)\n"
        "if f >= 0: os.write(f, b'x')", python=True, unproven="only root could"),
    "replace a tool on PATH": Attempt("read-only toolchains; Landlock", 'echo x > "$HOME/.cargo/bin/tool"; rm -f "$HOME/.cargo/bin/tool"; echo x > ~/.cargo/bin/git'),
    "poison a package cache": Attempt("hidden home; Landlock", 'echo x >> ~/.cache/pip/wheel; mkdir -p ~/.npm; echo x > ~/.npm/x'),
    "write rc files": Attempt("hidden home; Landlock", 'for f in .bashrc .profile .zshenv .config/git/config .ssh/authorized_keys; do echo x >> ~/$f; done'),
    "an install script": Attempt("hidden home; Landlock",
        'printf "import os,pathlib; (pathlib.Path.home()/\'.bashrc\').write_text(\'x\'); pathlib.Path(os.environ[\'OPEN\'],\'new\').touch()" > setup.py; python3 setup.py install'),
    "lock a file of the host": Attempt("files are not open for locking elsewhere", 'exec 9< "$OPEN/locked" && flock -xn 9 && for i in $(seq 300); do test -e "$OPEN/noticed" && break; sleep 0.05; done', gap="locks"),
}  # fmt: skip

PERSISTENCE = {
    "a git hook": Attempt("private .git", 'mkdir -p .git/hooks; cp "$TRAP" .git/hooks/post-checkout; cp "$TRAP" .git/hooks/pre-commit'),
    "git configuration": Attempt("private .git",
        'git config core.fsmonitor "$TRAP"; git config core.hooksPath "$OUT"; git config filter.x.clean "$TRAP"; git config alias.st "!$TRAP";'
        ' git config diff.external "$TRAP"; git config core.sshCommand "$TRAP"; echo "* filter=x" > .gitattributes'),
    "another branch": Attempt("private .git", "git checkout -qb other; git commit -qam x --allow-empty; git tag t; git gc -q; git stash"),
    "a renamed .git": Attempt("private .git", "mv .git .tig; git init -q .; echo x > .git/info/exclude", ruins=True),
    ".git as a file": Attempt("private .git", 'rm -rf .git; echo "gitdir: $OUT" > .git', ruins=True),
    "commondir": Attempt("private .git", 'echo "$OUT" > .git/commondir; echo "$OUT/objects" > .git/objects/info/alternates', ruins=True),
    "a gitlink": Attempt("private .git",
        'git update-index --add --cacheinfo 160000,4b825dc642cb6eb9a060e54bf8d69288fbee4904,module; mkdir module; echo "gitdir: $OUT" > module/.git'),
    "a bare repository": Attempt("safe.bareRepository, private .git",
        'mkdir -p bare/objects bare/refs; echo ref: refs/heads/x > bare/HEAD; printf "[core]\\n\\tbare=true\\n\\tfsmonitor=$TRAP\\n" > bare/config'),
    "the workspace replaced": Attempt("a mount point; Landlock", 'cd ..; mv "$VIEW" away; rm -rf "$VIEW"; ln -s "$OUT" "$VIEW"', ruins=True),
    "the workspace closed": Attempt("the view's root is not the repository's", 'chmod 000 .; chmod 4777 .; touch -d 2001-01-01 .', ruins=True),
    "editor tasks": Attempt("nothing lands unreviewed", 'mkdir -p .vscode .idea; echo "{}" > .vscode/tasks.json; echo x > .idea/workspace.xml'),
    ".envrc and friends": Attempt("nothing lands unreviewed", "for f in .envrc .editorconfig Makefile conftest.py sitecustomize.py .assent.toml; do echo x > $f; done"),
    "links out of the view": Attempt("paths through links are not followed", 'rm -f a.txt; ln -s "$OUT/victim" a.txt; mv sub bus; ln -s "$HOME/.ssh" sub'),
    "odd files": Attempt("only files and links are read", 'rm -f a.txt; mkfifo a.txt; mkdir -p d; chmod 000 d; python3 -c "import socket; socket.socket(1).bind(\'sock\')"'),
    "an overlay's own marks": Attempt("the kernel escapes them; we follow no redirect",
        "os.makedirs('d', exist_ok=True)\n"
        "for name in ('redirect', 'opaque', 'whiteout', 'metacopy', 'origin', 'impure'):\n"
        "    each(lambda: os.setxattr('d', f'user.overlay.{name}', os.fsencode(E['OUT'])), lambda: os.setxattr('a.txt', f'user.overlay.{name}', b'y'))\n"
        "each(lambda: os.mknod('b.txt', 0o020666, 0))", python=True, unproven="there is no overlay without walls"),
}  # fmt: skip

READS = {
    "keys in home": Attempt("hidden home; Landlock", "cat ~/.ssh/id_ed25519; cat ~/.gnupg/key"),
    "credentials of clouds": Attempt("hidden home; Landlock", "cat ~/.aws/credentials ~/.config/gh/hosts.yml ~/.kube/config ~/.docker/config.json"),
    "credentials of tools": Attempt("hidden home; Landlock", "cat ~/.netrc ~/.git-credentials ~/.npmrc ~/.pypirc ~/.bash_history"),
    "credentials within a toolchain": Attempt("blanked; Landlock on its siblings", "cat ~/.cargo/credentials.toml"),
    "names in ~/.ssh": Attempt("hidden home; Landlock", "ls -a ~/.ssh; find ~ | head -n 100; echo ~/.ssh/*"),
    "a key through /proc": Attempt("own pid namespace; Landlock", 'for p in self 1 $PPID $US $VICTIM; do cat /proc/$p/root"$HOME"/.ssh/id_ed25519 /proc/$p/cwd/.env; done'),
    "our environment": Attempt("built from an allow-list", "env; cat /proc/self/environ | tr '\\0' '\\n'"),
    "our processes' environments": Attempt("own pid namespace; Landlock's scope", "for p in 1 $PPID $US $VICTIM; do tr '\\0' '\\n' < /proc/$p/environ; done; cat /proc/*/environ"),
    "command lines of others": Attempt("own /proc; Landlock", "cat /proc/$VICTIM/cmdline /proc/*/cmdline; ps axww"),
    "the keyring": Attempt("seccomp",
        "b = ctypes.create_string_buffer(200); k = call('keyctl', 10, -3, b'user', E['MARK'].encode(), 0)\n"
        "if k > 0: n = call('keyctl', 11, k, b, 200); print(b.raw[:max(n,0)])", python=True),
    "a set-user-id program": Attempt("no new privileges, nosuid", '"$OPEN/suid" "$OPEN/rootonly"', unproven="only root could make one"),
    "shadow": Attempt("blanked; Landlock on its siblings", "cat /etc/shadow | grep -q : && echo REACHED", unproven="only root could"),
    "a secret of the repository": Attempt("masked; not in the copy", "cat .env; cp .env e; cat e; ln .env f; cat f; mv .env g; cat g; tar c . | cat; cat sub/tls.key"),
    "a secret unmasked": Attempt("masked; not in the copy", "chmod 644 .env; umount .env; rm -f .env; cat .env; mv sub bus; cat bus/tls.key; rm -rf bus sub; cat sub/tls.key"),
    "a secret of an ignored folder": Attempt("masked; Landlock on its siblings", "cat large/.env; cat large/deep/.env"),
    "a secret through git": Attempt("masked; not in the copy", "git add -f .env && git show :.env; git hash-object -w .env; git grep -h --no-index KEY"),
    "our state": Attempt("hidden state folder; Landlock", 'cat "$STATE/secret"; cat "$STATE"/*'),
    "files of the host's temporary folders": Attempt("own /tmp; Landlock", 'cat "/tmp/shown-$MARK" "/var/tmp/shown-$MARK"'),
    "shared memory of others": Attempt("own /dev/shm; Landlock", 'cat "/dev/shm/shown-$MARK"'),
    "System V memory of others": Attempt("own ipc namespace; seccomp",
        "libc.shmat.restype = ctypes.c_void_p; i = libc.shmget(int(E['KEY']), 4096, 0)\n"
        "if i >= 0: print(ctypes.string_at(libc.shmat(i, None, 0), 64))", python=True),
    "message queues of others": Attempt("own ipc namespace; seccomp",
        "b = ctypes.create_string_buffer(8192); q = call('mq_open', E['MARK'].encode(), os.O_RDWR|os.O_NONBLOCK, 0, None)\n"
        "if q >= 0: call('mq_timedreceive', q, b, 8192, None, None); print(b.value)", python=True),
    "memory of another process": Attempt("own pid namespace; Landlock, seccomp",
        "def by_file():\n"
        "    spans = [line.split()[0].split('-') for line in open(f'/proc/{victim}/maps') if '[stack]' in line]\n"
        "    with open(f'/proc/{victim}/mem', 'rb', 0) as f:\n"
        "        for low, high in spans: f.seek(int(low, 16)); print(f.read(int(high, 16) - int(low, 16)).replace(b'\\0', b' ')[-9000:])\n"
        "each(by_file)", python=True),
    "descriptors of another process": Attempt("own pid namespace; seccomp",
        "p = call('pidfd_open', victim, 0)\n"
        "for n in range(3, 99):\n"
        "    f = call('pidfd_getfd', p, n, 0)\n"
        "    if f >= 0: each(lambda: print(os.pread(f, 99, 0)))\n"
        "    each(lambda: print(open(f'/proc/{victim}/fd/{n}').read()))", python=True),
    "the kernel's messages": Attempt("seccomp", "reached(call('syslog', 3, ctypes.create_string_buffer(99), 99))", python=True, unproven="may be closed to all but root"),
    "the disk": Attempt("reduced /dev; Landlock", 'head -c 1 /dev/block/$DISK > /dev/null && echo REACHED; head -c 1 /dev/mem /proc/kcore 2>/dev/null | grep -q . && echo REACHED',
        unproven="only root could"),
    "changes of files of others": Attempt("hidden home; Landlock does not withhold it",
        "f = libc.inotify_init(); reached(libc.inotify_add_watch(f, os.fsencode(E['HOME'] + '/.ssh/id_ed25519'), 2))", python=True, gap="metadata"),
    "sizes of hidden files": Attempt("hidden home; Landlock does not withhold it", 'test -s ~/.ssh/id_ed25519 && echo REACHED', gap="metadata"),
}  # fmt: skip

NETWORK = {
    "TCP": Attempt("own network namespace; seccomp", "tcp(socket.AF_INET, '127.0.0.1', 'TCP')", python=True),
    "TCP over IPv6": Attempt("own network namespace; seccomp", "tcp(socket.AF_INET6, '::1', 'TCP6')", python=True),
    "TCP over a mapped address": Attempt("own network namespace; seccomp", "tcp(socket.AF_INET6, '::ffff:127.0.0.1', 'TCP')", python=True),
    "UDP": Attempt("own network namespace; seccomp", "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', int(E['UDP'])))", python=True),
    "UDP over IPv6": Attempt("own network namespace; seccomp", "socket.socket(10, 2).sendto(b'x', ('::1', int(E['UDP6'])))", python=True),
    "TCP Fast Open": Attempt("own network namespace; seccomp",
        "s = socket.socket(); s.sendto(b'x', 0x20000000, ('127.0.0.1', int(E['TCP'])))", python=True),
    "MPTCP": Attempt("own network namespace; seccomp", "tcp(socket.AF_INET, '127.0.0.1', 'TCP', protocol=262)", python=True),
    "listen to the host": Attempt("own network namespace; seccomp",
        "s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(('0.0.0.0', int(E['LISTEN']))); s.listen(); s.settimeout(float(E['MOMENT'])); s.accept()", python=True),
    "a raw socket": Attempt("no capabilities; seccomp", "reached(socket.socket(2, 3, 1).fileno())", python=True, unproven="only root could"),
    "a packet socket": Attempt("seccomp", "reached(socket.socket(17, 3).fileno())", python=True, unproven="only root could"),
    "a ping socket": Attempt("own network namespace; seccomp",
        "s = socket.socket(2, 2, 1); s.settimeout(0.5); s.sendto(struct.pack('!BBHHH', 8, 0, 0xf7ff, 0, 0), (E['ADDRESS'], 0)); reached(len(s.recv(99)))",
        python=True, unproven="may be closed by net.ipv4.ping_group_range"),
    "an abstract socket": Attempt("own network namespace; Landlock's scope", "path_socket('\\0' + E['MARK'])", python=True, gap="abstract sockets"),
    "a datagram to an abstract socket": Attempt("own network namespace; Landlock's scope",
        "each(lambda: socket.socket(1, 2).sendto(b'x', '\\0d-' + E['MARK']), lambda: socket.socketpair(1, 2)[0].sendto(b'x', '\\0d-' + E['MARK']))",
        python=True, gap="abstract sockets"),
    "a socket in home": Attempt("hidden home; the supervisor", "path_socket(E['HOME'] + '/s')", python=True),
    "a socket in the host's /tmp": Attempt("own /tmp; the supervisor", "path_socket('/tmp/s-' + E['MARK'])", python=True),
    "a socket outside": Attempt("read-only overlays; the supervisor", "path_socket(E['OPEN'] + '/s')", python=True),
    "a socket outside made meanwhile": Attempt("read-only overlays; the supervisor",
        "for _ in range(int(float(E['MOMENT']) * 20)):\n"
        "    if os.path.lexists(E['OPEN'] + '/late'): break\n"
        "    time.sleep(0.05)\n"
        "path_socket(E['OPEN'] + '/late')", python=True),
    "a socket in the repository": Attempt("overlay; not in the copy", "each(lambda: path_socket(E['ROOT'] + '/s'), lambda: path_socket('s'))", python=True),
    "a socket through a link": Attempt("read-only overlays; the supervisor", "os.symlink(E['OPEN'] + '/s', 'l'); path_socket('l')", python=True),
    "sendto a socket outside": Attempt("read-only overlays; seccomp",
        "each(*(lambda p=p: socket.socket(1, 2).sendto(b'x', p) for p in (E['OPEN'] + '/d', E['HOME'] + '/d')))", python=True),
    "sendmsg to a socket outside": Attempt("read-only overlays; seccomp",
        "each(*(lambda p=p: socket.socket(1, 2).sendmsg([b'x'], [], 0, p) for p in (E['OPEN'] + '/d', E['HOME'] + '/d')))", python=True),
    "send from a pair to a socket outside": Attempt("read-only overlays; seccomp",
        "each(*(lambda p=p: socket.socketpair(1, 2)[0].sendto(b'x', p) for p in (E['OPEN'] + '/d', E['HOME'] + '/d')))", python=True),
    "netlink": Attempt("seccomp", "reached(socket.socket(16, 3, 15).fileno()); reached(socket.socket(16, 3, 9).fileno())", python=True),
    "the host's interfaces": Attempt("own network namespace; seccomp",
        "if E['LINK'] in [n for _, n in socket.if_nameindex()]: print('REACHED')", python=True, unproven="the disposable host has none"),
    "vsock": Attempt("seccomp", "s = socket.socket(40, 1); print('REACHED')", python=True),
    "the kernel's ciphers": Attempt("seccomp", "reached(socket.socket(38, 5).fileno())", python=True, unproven="kernels may lack it"),
    "Bluetooth and CAN": Attempt("seccomp", "each(*(lambda f=f: reached(socket.socket(f, 3, 1).fileno()) for f in (31, 29, 30, 35, 44)))", python=True,
        unproven="kernels may lack them"),
    "i386 calls": Attempt("seccomp kills other architectures",
        "m = mmap.mmap(-1, 4096, prot=7); m.write(bytes.fromhex('53b814000000cd805bc3'))\n"
        "reached(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))() - 1)", python=True),
    "x32 calls": Attempt("seccomp", "libc.syscall.restype = ctypes.c_long; reached(libc.syscall(ctypes.c_long(0x40000000 + 39)) - 1)", python=True, unproven=NO_X32),
    "io_uring": Attempt("seccomp", "reached(call('io_uring_setup', 4, ctypes.create_string_buffer(120)))", python=True),
}  # fmt: skip

PROCESSES = {
    "kill": Attempt("own pid namespace; Landlock's scope, the supervisor", "kill -9 $VICTIM", gap="signals"),
    "kill by queue": Attempt("own pid namespace; Landlock's scope, the supervisor",
        "call('rt_sigqueueinfo', victim, 9, struct.pack('iiii', 9, 0, -1, 0).ljust(128, b'\\0'))", python=True, gap="signals"),
    "kill a thread": Attempt("own pid namespace; Landlock's scope, the supervisor", "call('tkill', victim, 9)", python=True, gap="signals"),
    "kill by handle": Attempt("own pid namespace; Landlock's scope, the supervisor",
        "p = call('pidfd_open', victim, 0); call('pidfd_send_signal', p, 9, None, 0)", python=True, gap="signals"),
    "kill a process group": Attempt("own pid namespace; Landlock's scope, the supervisor",
        "each(lambda: os.killpg(victim, 9))", python=True, gap="signals"),
    "stop": Attempt("own pid namespace; Landlock's scope, the supervisor", "kill -STOP $VICTIM", gap="signals"),
    "kill everything": Attempt("own pid namespace; seccomp", "each(lambda: os.kill(-1, 9))", python=True),
    "kill the keeper": Attempt("the first process of a namespace; seccomp", "kill -9 1; kill -9 $PPID; kill -9 $US; cat ~/.ssh/id_ed25519", unproven=ALL_DIE),
    "trace": Attempt("own pid namespace; seccomp",
        "reached(libc.ptrace(0x4206, victim, 0, 0)); reached(libc.ptrace(16, victim, 0, 0)); time.sleep(0.1)", python=True),
    "write to memory": Attempt("own pid namespace; Landlock, seccomp",
        "spans = [l.split()[0].split('-') for l in open(f'/proc/{victim}/maps') if '[stack]' in l]\n"
        "v = struct.pack('QQ', int(spans[0][0], 16), 1); b = ctypes.create_string_buffer(b'x'); w = struct.pack('QQ', ctypes.addressof(b), 1)\n"
        "reached(call('process_vm_writev', victim, w, 1, v, 1, 0))", python=True),
    "renice": Attempt("own pid namespace; seccomp", "renice -n 15 -p $VICTIM"),
    "renice all of a user": Attempt("own pid namespace; seccomp", "each(lambda: os.setpriority(os.PRIO_USER, 0, 14), lambda: os.setpriority(os.PRIO_USER, os.getuid(), 14))", python=True),
    "renice a group": Attempt("own pid namespace; seccomp", "each(lambda: os.setpriority(os.PRIO_PGRP, victim, 13))", python=True),
    "change priority of input and output": Attempt("own pid namespace; seccomp", "call('ioprio_set', 1, victim, 3 << 13)", python=True),
    "change scheduling": Attempt("own pid namespace; seccomp", "call('sched_setscheduler', victim, 3, struct.pack('i', 0))", python=True),
    "pin to a processor": Attempt("own pid namespace; seccomp", "each(lambda: os.sched_setaffinity(victim, {min(os.sched_getaffinity(0))}))", python=True,
        unproven=ONE_PROCESSOR),
    "change limits": Attempt("own pid namespace; seccomp", "each(lambda: call('prlimit', victim, 7, struct.pack('QQ', 5, 5), None))", python=True),
    "offer to the killer": Attempt("own /proc; Landlock", "echo 900 > /proc/$VICTIM/oom_score_adj"),
    "type into a terminal": Attempt("no controlling terminal; seccomp",
        "each(lambda: fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), 0x5412, b'x'), lambda: fcntl.ioctl(os.open(E['TERMINAL'], os.O_RDWR), 0x5412, b'x'), lambda: fcntl.ioctl(0, 0x5412, b'x'))",
        python=True, unproven="only root could where legacy_tiocsti is off"),
    "type into one's own terminal": Attempt("seccomp", "m, s = os.openpty(); os.setsid() if os.getpid() != os.getsid(0) else 0; fcntl.ioctl(s, 0x540E, 0); fcntl.ioctl(s, 0x5412, b'x'); print('REACHED')",
        python=True, unproven="where legacy_tiocsti is off"),
    "write to the terminal": Attempt("no controlling terminal, own devpts; Landlock", 'echo x > /dev/tty; echo x > "$TERMINAL"', gap="terminals"),
    "codes for the terminal": Attempt("output is made inert",
        r"printf '\033]52;c;eA==\007\033[6n\033]0;x\007\302\233c\342\200\256x\r'; touch \"$(printf 'a\033[2J')\"; ls; cat \"$(printf 'a\033[2J')\" x"),
    "observe": Attempt("seccomp", "reached(call('perf_event_open', struct.pack('IIQ', 1, 128, 0).ljust(128, b'\\0'), victim, -1, -1, 0))", python=True, unproven="may be closed to all but root"),
    "compare": Attempt("own pid namespace; seccomp", "reached(call('kcmp', os.getpid(), victim, 1, 0, 0))", python=True, unproven="kernels may lack it"),
}  # fmt: skip

WALLS = {
    "mount": Attempt("no capabilities; seccomp", "reached(libc.mount(b'x', b'/mnt', b'tmpfs', 0, None))", python=True, unproven="only root could"),
    "remount": Attempt("no capabilities; seccomp", "reached(libc.mount(None, b'/', None, 32 | 4096, None))", python=True, unproven="only root could"),
    "unmount": Attempt("no capabilities; seccomp",
        "[reached(libc.umount2(os.fsencode(p), 2)) for p in (E['HOME'], '/tmp', '/sys', E['VIEW'])]; print(open(E['HOME'] + '/.ssh/id_ed25519').read())",
        python=True),
    "a new mount": Attempt("no capabilities; seccomp", "reached(call('fsopen', b'tmpfs', 0))", python=True, unproven="only root could"),
    "a copied mount": Attempt("no capabilities; seccomp", "reached(call('open_tree', -100, b'/', 1))", python=True, unproven="only root could"),
    "a writable mount": Attempt("no capabilities; seccomp", "reached(call('mount_setattr', -100, os.fsencode(E['VIEW']), 0, struct.pack('QQQQ', 0, 1, 0, 0), 32))", python=True,
        unproven="only on a mount point"),
    "chroot": Attempt("no capabilities; seccomp", "reached(libc.chroot(b'.'))", python=True, unproven="only root could"),
    "a user namespace": Attempt("seccomp", "reached(call('unshare', 0x10000000))", python=True),
    "a user namespace by clone": Attempt("seccomp",
        "p = call('clone', 0x10000000 | 17, None, None, None, None)\n"
        "if p == 0: os._exit(0)\n"
        "reached(p)", python=True),
    "a user namespace by clone3": Attempt("seccomp",
        "p = call('clone3', struct.pack('QQQQQ', 0x10000000, 0, 0, 0, 17).ljust(64, b'\\0'), 64)\n"
        "if p == 0: os._exit(0)\n"
        "reached(p)", python=True),
    "other namespaces": Attempt("no capabilities; seccomp", "[reached(call('unshare', f)) for f in (0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000)]", python=True,
        unproven="only root could"),
    "a namespace of the host": Attempt("own pid namespace; seccomp",
        "each(*(lambda p=p, n=n: reached(call('setns', os.open(f'/proc/{p}/ns/{n}', 0), 0)) for p in (1, victim, os.getppid()) for n in ('mnt', 'net', 'user')))",
        python=True, unproven="only root could"),
    "bpf": Attempt("seccomp", "reached(call('bpf', 0, struct.pack('IIIII', 2, 4, 4, 1, 0).ljust(128, b'\\0'), 128))", python=True, unproven="may be closed to all but root"),
    "userfaultfd": Attempt("seccomp", "reached(call('userfaultfd', 1))", python=True),
    "a kernel module": Attempt("seccomp", "[print('REACHED') for n in ('init_module', 'kexec_load') if call(n, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 38)]", python=True,
        unproven="only root could"),
    "the clock": Attempt("seccomp", "print('REACHED' if call('clock_settime', 0, struct.pack('qq', 1, -1)) >= 0 or ctypes.get_errno() != 1 else '')", python=True,
        unproven="only root could"),
    "a filter of one's own": Attempt("no right is regained", "libc.prctl(38, 0, 0, 0, 0); libc.prctl(4, 1, 0, 0, 0); libc.prctl(47, 2, 21, 0, 0); reached(libc.setuid(0) if os.getuid() else -1); reached(libc.mount(b'x', b'/mnt', b'tmpfs', 0, None))",
        python=True, unproven="only root could"),
}  # fmt: skip

GROUPS = {
    "writes": WRITES, "persistence": PERSISTENCE, "reads": READS, "network": NETWORK, "processes": PROCESSES, "walls": WALLS,
}  # fmt: skip
