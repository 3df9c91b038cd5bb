"""The system calls that are judged, with a reason for each, and the filter that lets no unknown one pass; see `seccomp(2)`.

Standard library only. Numbers are those of x86_64 and of the generic table that aarch64 uses; None where a call does
not exist. Landlock and the namespaces decide about files and hosts; this table is for what they do not reach.
"""

from __future__ import annotations

import ctypes
import os
import struct

from assent_sandbox.cell import calls, namespaces

EPERM, EACCES, EINVAL, ENOSYS, EOPNOTSUPP, EAFNOSUPPORT = 1, 13, 22, 38, 95, 97

# name: (x86_64, aarch64, error, why)
REFUSED: dict[str, tuple[int | None, int | None, int, str]] = {
    "mount": (165, 40, EPERM, "changes what is hidden"),
    "umount2": (166, 39, EPERM, "uncovers what is hidden"),
    "pivot_root": (155, 41, EPERM, "changes what is hidden"),
    "chroot": (161, 51, EPERM, "the old way to confuse path checks"),
    "open_tree": (428, 428, EPERM, "copies mounts"),
    "move_mount": (429, 429, EPERM, "changes what is hidden"),
    "fsopen": (430, 430, EPERM, "the mount family"),
    "fsconfig": (431, 431, EPERM, "the mount family"),
    "fsmount": (432, 432, EPERM, "the mount family"),
    "fspick": (433, 433, EPERM, "the mount family"),
    "mount_setattr": (442, 442, EPERM, "makes read-only writable"),
    "open_tree_attr": (467, 467, EPERM, "the mount family"),
    "setns": (308, 268, EPERM, "enters another's namespaces"),
    "clone3": (435, 435, ENOSYS, "its flags cannot be read by a filter; the C library falls back to clone"),
    "io_uring_setup": (425, 425, ENOSYS, "its operations pass by every filter"),
    "io_uring_enter": (426, 426, ENOSYS, "its operations pass by every filter"),
    "io_uring_register": (427, 427, ENOSYS, "its operations pass by every filter"),
    "bpf": (321, 280, EPERM, "programs for the kernel"),
    "userfaultfd": (323, 282, EPERM, "widens kernel races"),
    "perf_event_open": (298, 241, EACCES, "observes other processes; a long history of holes"),
    "add_key": (248, 217, ENOSYS, "keyrings are not bounded by namespaces"),
    "request_key": (249, 218, ENOSYS, "keyrings are not bounded by namespaces"),
    "keyctl": (250, 219, ENOSYS, "keyrings are not bounded by namespaces"),
    "kexec_load": (246, 104, EPERM, "replaces the kernel"),
    "kexec_file_load": (320, 294, EPERM, "replaces the kernel"),
    "init_module": (175, 105, EPERM, "extends the kernel"),
    "finit_module": (313, 273, EPERM, "extends the kernel"),
    "delete_module": (176, 106, EPERM, "changes the kernel"),
    "swapon": (167, 224, EPERM, "administration"),
    "swapoff": (168, 225, EPERM, "administration"),
    "reboot": (169, 142, EPERM, "administration"),
    "acct": (163, 89, EPERM, "administration"),
    "quotactl": (179, 60, EPERM, "administration"),
    "quotactl_fd": (443, 443, EPERM, "administration"),
    "settimeofday": (164, 170, EPERM, "the clock is everybody's"),
    "clock_settime": (227, 112, EPERM, "the clock is everybody's"),
    "syslog": (103, 116, EPERM, "the kernel's messages"),
    "vhangup": (153, 58, EPERM, "cuts terminals"),
    "iopl": (172, None, EPERM, "hardware ports"),
    "ioperm": (173, None, EPERM, "hardware ports"),
    "modify_ldt": (154, None, EPERM, "16-bit segments; a history of holes"),
    "uselib": (134, None, ENOSYS, "obsolete"),
    "open_by_handle_at": (304, 265, EPERM, "opens files by number, past every path"),
    "fanotify_init": (300, 262, EPERM, "watches whole file systems"),
    "lookup_dcookie": (212, 18, ENOSYS, "obsolete"),
    "nfsservctl": (180, 42, ENOSYS, "obsolete"),
    "move_pages": (279, 239, EPERM, "reaches into other processes"),
    "migrate_pages": (256, 238, EPERM, "reaches into other processes"),
    "sethostname": (170, 161, EPERM, "administration"),
    "setdomainname": (171, 162, EPERM, "administration"),
    "memfd_secret": (447, 447, ENOSYS, "memory that nobody can see, so that no bound counts it"),
    "lsm_set_self_attr": (460, 460, EPERM, "changes walls of the kernel"),
}

# The same, where no pid and ipc namespace bounds them
REFUSED_UNBOUNDED: dict[str, tuple[int | None, int | None, int, str]] = {
    "ptrace": (101, 117, EPERM, "reaches into the user's other processes"),
    "process_vm_readv": (310, 270, EPERM, "reads the memory of the user's other processes"),
    "process_vm_writev": (311, 271, EPERM, "writes the memory of the user's other processes"),
    "process_madvise": (440, 440, EPERM, "reaches into the user's other processes"),
    "pidfd_getfd": (438, 438, EPERM, "takes descriptors of the user's other processes"),
    "kcmp": (312, 272, EPERM, "compares the user's other processes"),
    "ioprio_set": (251, 30, EPERM, "reaches the user's other processes"),
    "shmget": (29, 194, EPERM, "shared memory of the whole machine"),
    "shmat": (30, 196, EPERM, "shared memory of the whole machine"),
    "shmctl": (31, 195, EPERM, "shared memory of the whole machine"),
    "msgget": (68, 186, EPERM, "message queues of the whole machine"),
    "msgsnd": (69, 189, EPERM, "message queues of the whole machine, whose numbers can be guessed"),
    "msgrcv": (70, 188, EPERM, "message queues of the whole machine, whose numbers can be guessed"),
    "msgctl": (71, 187, EPERM, "message queues of the whole machine, whose numbers can be guessed"),
    "semget": (64, 190, EPERM, "semaphores of the whole machine"),
    "semop": (65, 193, EPERM, "semaphores of the whole machine, whose numbers can be guessed"),
    "semctl": (66, 191, EPERM, "semaphores of the whole machine, whose numbers can be guessed"),
    "semtimedop": (220, 192, EPERM, "semaphores of the whole machine, whose numbers can be guessed"),
    "process_mrelease": (448, 448, EPERM, "reaches into the user's other processes"),
    "statmount": (457, 457, ENOSYS, "shows what the machine has mounted"),
    "listmount": (458, 458, ENOSYS, "shows what the machine has mounted"),
    "file_getattr": (468, 468, ENOSYS, "comes with the next one"),
    "file_setattr": (469, 469, ENOSYS, "Landlock does not withhold it"),
    "mq_open": (240, 180, EPERM, "message queues of the whole machine"),
    "mq_unlink": (241, 181, EPERM, "message queues of the whole machine"),
    "setxattr": (188, 5, EOPNOTSUPP, "Landlock does not withhold it"),
    "lsetxattr": (189, 6, EOPNOTSUPP, "Landlock does not withhold it"),
    "fsetxattr": (190, 7, EOPNOTSUPP, "Landlock does not withhold it"),
    "removexattr": (197, 14, EOPNOTSUPP, "Landlock does not withhold it"),
    "lremovexattr": (198, 15, EOPNOTSUPP, "Landlock does not withhold it"),
    "fremovexattr": (199, 16, EOPNOTSUPP, "Landlock does not withhold it"),
    "setxattrat": (463, 463, EOPNOTSUPP, "Landlock does not withhold it"),
    "removexattrat": (466, 466, EOPNOTSUPP, "Landlock does not withhold it"),
    "chown": (92, None, EPERM, "Landlock does not withhold it"),
    "lchown": (94, None, EPERM, "Landlock does not withhold it"),
    "fchown": (93, 55, EPERM, "Landlock does not withhold it"),
    "fchownat": (260, 54, EPERM, "Landlock does not withhold it"),
}

# The same, of what a supervisor judges by its target, and does, where one stands by
SUPERVISED: dict[str, tuple[int | None, int | None, str]] = {
    "chmod": (90, None, "Landlock does not withhold it"),
    "fchmod": (91, 52, "Landlock does not withhold it"),
    "fchmodat": (268, 53, "Landlock does not withhold it"),
    "fchmodat2": (452, 452, "Landlock does not withhold it"),
    "utime": (132, None, "Landlock does not withhold it"),
    "utimes": (235, None, "Landlock does not withhold it"),
    "futimesat": (261, None, "Landlock does not withhold it"),
    "utimensat": (280, 88, "Landlock does not withhold it"),
    "chown": (92, None, "tools give files to those whose they are"),
    "lchown": (94, None, "tools give files to those whose they are"),
    "fchown": (93, 55, "tools give files to those whose they are"),
    "fchownat": (260, 54, "tools give files to those whose they are"),
    "inotify_add_watch": (254, 27, "Landlock does not withhold it"),
    "connect": (42, 203, "sockets of the command's own"),
    "ioctl": (16, 29, "the other end of a pseudo terminal"),
    "fcntl": (72, 25, "signals to processes of the command's own"),
    "setpriority": (141, 140, "processes of the command's own"),
    "prlimit64": (302, 261, "processes of the command's own"),
    "sched_setparam": (142, 118, "processes of the command's own"),
    "sched_setscheduler": (144, 119, "processes of the command's own"),
    "sched_setattr": (314, 274, "processes of the command's own"),
    "sched_setaffinity": (203, 122, "processes of the command's own"),
    "kill": (62, 129, "processes of the command's own"),
    "tkill": (200, 130, "processes of the command's own"),
    "tgkill": (234, 131, "processes of the command's own"),
    "rt_sigqueueinfo": (129, 138, "processes of the command's own"),
    "rt_tgsigqueueinfo": (297, 240, "processes of the command's own"),
    "pidfd_send_signal": (424, 424, "processes of the command's own"),
}
_ALWAYS_SUPERVISED = frozenset(name for name, row in SUPERVISED.items() if row[2].startswith(("Landlock", "tools")))
_SCHEDULING = ("sched_setparam", "sched_setscheduler", "sched_setattr", "sched_setaffinity")
_SIGNALS = ("tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")

_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_NUMBERS = {
    "x86_64": {"clone": 56, "unshare": 272, "socket": 41, "socketpair": 53},
    "aarch64": {"clone": 220, "unshare": 97, "socket": 198, "socketpair": 199},
}
_X32 = 0x40000000
_SET_OWNER, _SET_OWNER_BY_ADDRESS = 8, 15
_SET_OWNER_OF_SOCKET = (0x8901, 0x8902)
"""F_SETOWN, F_SETOWN_EX, FIOSETOWN and SIOCSPGRP: whom the kernel is to send signals about a descriptor."""
_NAMESPACES = 0x7E020080
_EVERYBODY = 0xFFFFFFFF
_TERMINAL_INJECTION = (0x5412, 0x541C)
_FLAGS_OF_FILES = (0x40086602, 0x40046602, 0x401C5820, 0x800C6613, 0x40806685)
"""FS_IOC_SETFLAGS (two widths), FS_IOC_FSSETXATTR, and what encrypts or seals: allowed on what is open for reading."""
_OTHER_END = 0x5441
_ALL_OF_A_USER = 2
_STREAM, _SEQUENCE = 1, 5
_UNIX, _INET, _INET6, _NETLINK, _RAW, _PACKET = 1, 2, 10, 16, 3, 10
_ALLOW, _KILL, _ERROR, _NOTIFY = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FC00000
_NEW_LISTENER = 8
_LOAD, _EQUAL, _ANY, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x54, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16

Step = tuple[int, int, int, int]
"""One instruction of classic BPF: operation, steps to skip if true, if false, operand."""


def program(machine: str, bounded: bool, network: bool, supervised: bool = False, scoped: bool = True) -> list[Step]:
    """The filter for a machine: `bounded` by pid and ipc namespaces, `network` if it may make sockets for it.

    Where it is not bounded: `supervised` if somebody answers for what is judged by its target, `scoped` if Landlock
    keeps signals in.
    """
    steps: list[Step] = [
        (_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _ARCHITECTURE[machine]), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER),
    ]  # fmt: skip
    if machine == "x86_64":
        steps += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _ERROR | ENOSYS)]
    first = machine == "x86_64"
    asked = _ALWAYS_SUPERVISED if supervised and not bounded else frozenset[str]()
    for name, row in (REFUSED if bounded else REFUSED | REFUSED_UNBOUNDED).items():
        if (number := (row[0] if first else row[1])) is not None and name not in asked:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | row[2])]
    for name in sorted(asked):
        if (number := (SUPERVISED[name][0] if first else SUPERVISED[name][1])) is not None:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _NOTIFY)]
    bodies = _conditions() if bounded else _conditions_unbounded(network, supervised, scoped)
    numbers = _NUMBERS[machine] | {
        name: number for name, row in SUPERVISED.items() if (number := (row[0] if first else row[1])) is not None
    }
    for name, body in bodies.items():
        steps += [(_EQUAL, 0, len(body), numbers[name]), *body]
    return [*steps, *_allow_ranges(_known(first))]


def _known(first: bool) -> list[tuple[int, int]]:
    """The numbers that have a meaning on a machine, as ranges from the lowest on; what is judged was judged before."""
    tables = (calls.allowed(), REFUSED, REFUSED_UNBOUNDED, SUPERVISED)
    numbers = {row[0] if first else row[1] for table in tables for row in table.values()} - {None}
    ranges: list[tuple[int, int]] = []
    for number in sorted(each for each in numbers if each is not None):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = ranges[-1][0], number
        else:
            ranges.append((number, number))
    return ranges


def _allow_ranges(ranges: list[tuple[int, int]]) -> list[Step]:
    steps: list[Step] = []
    for low, high in ranges:
        steps += [
            (_AT_LEAST, 1, 0, low),
            (_RETURN, 0, 0, _ERROR | ENOSYS),
            (_AT_LEAST, 1, 0, high + 1),
            (_RETURN, 0, 0, _ALLOW),
        ]
    return [*steps, (_RETURN, 0, 0, _ERROR | ENOSYS)]


def _conditions(families: tuple[int, ...] = (_UNIX, _INET, _INET6)) -> dict[str, list[Step]]:
    """Calls that are refused by their arguments: each body ends with a verdict of its own."""
    return {
        "clone": _refuse_bits(0, _NAMESPACES & ~0x80, EPERM),
        "unshare": _refuse_bits(0, _NAMESPACES, EPERM),
        "ioctl": _refuse_values(1, _TERMINAL_INJECTION, EPERM),
        "socket": _sockets(families, EAFNOSUPPORT),
        "socketpair": _allow_values(0, (_UNIX,), EAFNOSUPPORT),
    }


def _conditions_unbounded(network: bool, supervised: bool, scoped: bool) -> dict[str, list[Step]]:
    """The same where only Landlock and a supervisor stand between a command and the host's processes and sockets."""
    else_ = _NOTIFY if supervised else _ERROR | EPERM
    other_end: list[Step] = [_load(1), (_EQUAL, 0, 1, _OTHER_END), (_RETURN, 0, 0, _NOTIFY)] if supervised else []
    owners = () if scoped else _SET_OWNER_OF_SOCKET
    bodies = _conditions() | {
        "ioctl": [*other_end, *_refuse_values(1, _TERMINAL_INJECTION + _FLAGS_OF_FILES + owners, EPERM)],
        "setpriority": [
            _load(0), (_EQUAL, 0, 1, _ALL_OF_A_USER), (_RETURN, 0, 0, _ERROR | EPERM), *_allow_values(1, (0,), else_),
        ],
        "prlimit64": _allow_values(0, (0,), else_),
        **{name: _allow_values(0, (0,), else_) for name in _SCHEDULING},
        "kill": [
            _load(0), (_EQUAL, 0, 1, _EVERYBODY), (_RETURN, 0, 0, _ERROR | EPERM),
            (_RETURN, 0, 0, _NOTIFY if supervised and not scoped else _ALLOW),
        ],
    }  # fmt: skip
    if supervised and not scoped:
        bodies |= {name: [(_RETURN, 0, 0, _NOTIFY)] for name in _SIGNALS}
    if not scoped:
        bodies["fcntl"] = [
            _load(1),
            (_EQUAL, 0, 1, _SET_OWNER),
            (_RETURN, 0, 0, else_),
            *_refuse_values(1, (_SET_OWNER_BY_ADDRESS,), EINVAL),
        ]
    streams = _allow_masked(1, 0xF, (_STREAM, _SEQUENCE), EACCES)
    others = _sockets((_INET, _INET6), EACCES) if network else [(_RETURN, 0, 0, _ERROR | EACCES)]
    own: list[Step] = [_load(0), (_EQUAL, 0, len(streams), _UNIX), *streams] if supervised else []
    bodies["socket"] = [*own, *others]
    bodies["socketpair"] = [_load(0), (_EQUAL, 1, 0, _UNIX), (_RETURN, 0, 0, _ERROR | EAFNOSUPPORT), *streams]
    if supervised:
        bodies["connect"] = [(_RETURN, 0, 0, _NOTIFY)]
    return bodies


def _load(argument: int) -> Step:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)


def _verdicts(error: int) -> list[Step]:
    """Refuse with an error (or with a verdict as it is), else allow."""
    return [(_RETURN, 0, 0, error if error >= _ERROR else _ERROR | error), (_RETURN, 0, 0, _ALLOW)]


def _refuse_bits(argument: int, bits: int, error: int) -> list[Step]:
    return [_load(argument), (_ANY, 0, 1, bits), *_verdicts(error)]


def _refuse_values(argument: int, values: tuple[int, ...], error: int) -> list[Step]:
    tests: list[Step] = [
        (_EQUAL, len(values) - 1 - i, int(i == len(values) - 1), value) for i, value in enumerate(values)
    ]
    return [_load(argument), *tests, *_verdicts(error)]


def _allow_values(argument: int, values: tuple[int, ...], error: int) -> list[Step]:
    tests: list[Step] = [(_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values)]
    return [_load(argument), *tests, *_verdicts(error)]


def _allow_masked(argument: int, mask: int, values: tuple[int, ...], error: int) -> list[Step]:
    load, *rest = _allow_values(argument, values, error)
    return [load, (_AND, 0, 0, mask), *rest]


def _sockets(families: tuple[int, ...], error: int) -> list[Step]:
    """Stream and datagram sockets of these families; netlink only as far as the C library asks it for addresses."""
    kinds: list[Step] = [_load(1), (_AND, 0, 0, 0xF), (_EQUAL, 1, 0, _RAW), (_EQUAL, 0, 1, _PACKET), *_verdicts(EPERM)]
    netlink: list[Step] = [_load(2), (_EQUAL, 1, 0, 0), *_verdicts(error)]
    asked = [(_EQUAL, len(families) - i + 1 + len(netlink), 0, family) for i, family in enumerate(families)]
    middle: list[Step] = [(_EQUAL, 1, 0, _NETLINK), (_RETURN, 0, 0, _ERROR | error)]
    return [_load(0), *asked, *middle, *netlink, *kinds]


def encode(steps: list[Step]) -> bytes:
    """The program as the kernel reads it: an array of sock_filter."""
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def confine(encoded: bytes, listen: bool = False) -> int:
    """Put the filter on this process and all that it starts, for good; needs no-new-privileges.

    Gives the descriptor over which calls are handed to a supervisor if that is to `listen`, else -1.
    """
    filter_ = _Program(len(encoded) // 8, encoded)
    number = {"x86_64": 317, "aarch64": 277}[namespaces.machine]
    found = namespaces.system_call("seccomp", number, 1, _NEW_LISTENER if listen else 0, ctypes.byref(filter_))
    return found if listen else -1


def can_be_supervised() -> bool:
    """Whether this kernel hands calls to a supervisor (5.14), and no other one stands in the way; by trying."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            namespaces.forgo_new_privileges()
            confine(encode([(_RETURN, 0, 0, _ALLOW)]), listen=True)
            code = 0
        finally:
            os._exit(code)
    version = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    return os.waitpid(child, 0)[1] == 0 and version >= (5, 14)
