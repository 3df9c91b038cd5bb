"""The system calls that are refused, with a reason for each, and the filter that refuses them; see `seccomp(2)`.

Standard library only. Numbers are those of x86_64 and of the generic table that aarch64 uses; None where a call does
not exist. Landlock and the namespaces decide about files and hosts; this table is for what they do not reach.
"""

from __future__ import annotations

import ctypes
import struct

from assent_sandbox import namespaces

EPERM, EACCES, EINVAL, ENOSYS, EAFNOSUPPORT = 1, 13, 22, 38, 97

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
    "semget": (64, 190, EPERM, "semaphores of the whole machine"),
    "mq_open": (240, 180, EPERM, "message queues of the whole machine"),
    "mq_unlink": (241, 181, EPERM, "message queues of the whole machine"),
    "setxattr": (188, 5, EPERM, "Landlock does not withhold it"),
    "lsetxattr": (189, 6, EPERM, "Landlock does not withhold it"),
    "fsetxattr": (190, 7, EPERM, "Landlock does not withhold it"),
    "removexattr": (197, 14, EPERM, "Landlock does not withhold it"),
    "lremovexattr": (198, 15, EPERM, "Landlock does not withhold it"),
    "fremovexattr": (199, 16, EPERM, "Landlock does not withhold it"),
    "setxattrat": (463, 463, EPERM, "Landlock does not withhold it"),
    "removexattrat": (466, 466, EPERM, "Landlock does not withhold it"),
    "chown": (92, None, EPERM, "Landlock does not withhold it"),
    "lchown": (94, None, EPERM, "Landlock does not withhold it"),
    "fchown": (93, 55, EPERM, "Landlock does not withhold it"),
    "fchownat": (260, 54, EPERM, "Landlock does not withhold it"),
}

_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_NUMBERS = {
    "x86_64": {
        "clone": 56, "unshare": 272, "socket": 41, "socketpair": 53, "ioctl": 16, "kill": 62,
        "setpriority": 141, "prlimit64": 302,
    },
    "aarch64": {
        "clone": 220, "unshare": 97, "socket": 198, "socketpair": 199, "ioctl": 29, "kill": 129,
        "setpriority": 140, "prlimit64": 261,
    },
}  # fmt: skip
_X32 = 0x40000000
_NAMESPACES = 0x7E020080
_EVERYBODY = 0xFFFFFFFF
_TERMINAL_INJECTION = (0x5412, 0x541C)
_UNIX, _INET, _INET6, _NETLINK, _RAW, _PACKET = 1, 2, 10, 16, 3, 10
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _ANY, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x54, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16

Step = tuple[int, int, int, int]
"""One instruction of classic BPF: operation, steps to skip if true, if false, operand."""


def program(machine: str, bounded: bool, network: bool) -> list[Step]:
    """The filter for a machine: `bounded` by pid and ipc namespaces, `network` if it may make sockets for it."""
    steps: list[Step] = [
        (_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _ARCHITECTURE[machine]), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER),
    ]  # fmt: skip
    if machine == "x86_64":
        steps += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _ERROR | ENOSYS)]
    for row in (REFUSED if bounded else REFUSED | REFUSED_UNBOUNDED).values():
        number = row[0] if machine == "x86_64" else row[1]
        if number is not None:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | row[2])]
    for name, body in _conditions(bounded, network).items():
        steps += [(_EQUAL, 0, len(body), _NUMBERS[machine][name]), *body]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _conditions(bounded: bool, network: bool) -> dict[str, list[Step]]:
    """Calls that are refused by their arguments: each body ends with a verdict of its own."""
    families = (_UNIX, _INET, _INET6) if bounded or network else ()
    bodies = {
        "clone": _refuse_bits(0, _NAMESPACES & ~0x80, EPERM),
        "unshare": _refuse_bits(0, _NAMESPACES, EPERM),
        "ioctl": _refuse_values(1, _TERMINAL_INJECTION, EPERM),
        "socket": _sockets(families, EAFNOSUPPORT if bounded else EACCES),
        "socketpair": _allow_values(0, (_UNIX,), EAFNOSUPPORT),
    }
    if not bounded:
        bodies["kill"] = _refuse_values(0, (_EVERYBODY,), EPERM)
        bodies["setpriority"] = _allow_values(1, (0,), EPERM)
        bodies["prlimit64"] = _allow_values(0, (0,), EPERM)
    return bodies


def _load(argument: int) -> Step:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)


def _verdicts(error: int) -> list[Step]:
    return [(_RETURN, 0, 0, _ERROR | error), (_RETURN, 0, 0, _ALLOW)]


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


def confine(encoded: bytes) -> None:
    """Put the filter on this process and all that it starts, for good; needs no-new-privileges."""
    filter_ = _Program(len(encoded) // 8, encoded)
    number = {"x86_64": 317, "aarch64": 277}[namespaces.machine]
    namespaces.system_call("seccomp", number, 1, 0, ctypes.byref(filter_))
