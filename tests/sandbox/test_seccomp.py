"""The filter of system calls, checked by running its program on made-up calls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assent_sandbox.cell import calls, seccomp
from assent_sandbox.cell.seccomp import Step

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOWED, KILLED = 0x7FFF0000, 0x80000000


def judge(steps: list[Step], architecture: int, number: int, *arguments: int) -> int:
    """A small machine for the part of classic BPF that the filter uses."""
    words = {0: number, 4: architecture}
    for place, value in enumerate((*arguments, *(6 - len(arguments)) * (0,))):
        words[16 + 8 * place], words[20 + 8 * place] = value & 0xFFFFFFFF, value >> 32
    at, held = 0, 0
    while True:
        operation, if_true, if_false, operand = steps[at]
        at += 1
        match operation:
            case 0x20:
                held = words[operand]
            case 0x54:
                held &= operand
            case 0x06:
                return operand
            case 0x15 | 0x35 | 0x45:
                true = {0x15: held == operand, 0x35: held >= operand, 0x45: bool(held & operand)}[operation]
                at += if_true if true else if_false
            case _:
                pytest.fail(f"operation {operation:#x} is not known")


def error(number: int) -> int:
    return 0x50000 | number


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=[(True, False), (True, True), (False, False), (False, True)], ids=str)
def variant(request: pytest.FixtureRequest) -> tuple[bool, bool]:
    return request.param


def numbers(machine: str) -> dict[str, int]:
    column = 0 if machine == "x86_64" else 1
    table = seccomp.REFUSED | seccomp.REFUSED_UNBOUNDED
    return {name: number for name, row in table.items() if isinstance(number := row[column], int)}


def test_every_row_of_the_table_is_refused_with_its_error(machine: str, variant: tuple[bool, bool]) -> None:
    steps = seccomp.program(machine, *variant)
    table = seccomp.REFUSED if variant[0] else seccomp.REFUSED | seccomp.REFUSED_UNBOUNDED
    for name, number in numbers(machine).items():
        expected = error(table[name][2]) if name in table else ALLOWED
        assert judge(steps, MACHINES[machine], number) == expected, name


def test_ordinary_calls_are_allowed(variant: tuple[bool, bool]) -> None:
    steps = seccomp.program("x86_64", *variant)
    for number in (0, 1, 2, 3, 9, 39, 57, 59, 202, 257, 262, 439):
        assert judge(steps, MACHINES["x86_64"], number) == ALLOWED


def test_another_architecture_is_killed_and_x32_does_not_exist(machine: str, variant: tuple[bool, bool]) -> None:
    steps = seccomp.program(machine, *variant)
    assert judge(steps, 0x40000003, 1) == KILLED
    if machine == "x86_64":
        assert judge(steps, MACHINES[machine], 0x40000000 | 1) == error(seccomp.ENOSYS)


def test_no_number_stands_in_the_table_twice(machine: str) -> None:
    found = list(numbers(machine).values())
    assert len(found) == len(set(found))


def test_every_row_says_why() -> None:
    assert all(row[3] for row in (seccomp.REFUSED | seccomp.REFUSED_UNBOUNDED).values())


CLONE, UNSHARE, IOCTL, SOCKET, SOCKETPAIR, KILL, PRLIMIT = 56, 272, 16, 41, 53, 62, 302


@pytest.mark.parametrize(
    ("number", "arguments", "bounded", "network", "expected"),
    [
        (CLONE, (0x10000000,), True, True, error(1)),
        (CLONE, (0x7C020011,), True, True, error(1)),
        (CLONE, (0x01200011,), True, True, ALLOWED),
        (CLONE, (0x3D0F00,), False, False, ALLOWED),
        (UNSHARE, (0x10000000,), True, True, error(1)),
        (UNSHARE, (0x400,), True, True, ALLOWED),
        (IOCTL, (0, 0x5412), True, True, error(1)),
        (IOCTL, (0, 0x541C), True, True, error(1)),
        (IOCTL, (0, 0x1_0000_5412), True, True, error(1)),
        (IOCTL, (0, 0x5413), True, True, ALLOWED),
        (SOCKET, (2, 1), True, False, ALLOWED),
        (SOCKET, (10, 0x80001), True, False, ALLOWED),
        (SOCKET, (2, 2), False, False, error(13)),
        (SOCKET, (1, 1), False, False, error(13)),
        (SOCKET, (2, 1), False, True, ALLOWED),
        (SOCKET, (2, 3, 1), True, True, error(1)),
        (SOCKET, (17, 3), True, True, error(97)),
        (SOCKET, (40, 1), True, True, error(97)),
        (SOCKET, (38, 5), True, True, error(97)),
        (SOCKET, (16, 3, 0), True, False, ALLOWED),
        (SOCKET, (16, 3, 15), True, False, error(97)),
        (SOCKETPAIR, (1, 1), False, False, ALLOWED),
        (SOCKETPAIR, (2, 1), False, False, error(97)),
        (KILL, (0xFFFFFFFF, 9), False, False, error(1)),
        (KILL, (0xFFFFFFFF, 9), True, False, ALLOWED),
        (KILL, (4711, 9), False, False, ALLOWED),
        (PRLIMIT, (4711,), False, False, error(1)),
        (PRLIMIT, (0,), False, False, ALLOWED),
    ],
)  # fmt: skip
def test_calls_are_judged_by_their_arguments(
    number: int, arguments: tuple[int, ...], bounded: bool, network: bool, expected: int
) -> None:
    steps = seccomp.program("x86_64", bounded, network)
    assert judge(steps, MACHINES["x86_64"], number, *arguments) == expected


def test_the_encoded_program_has_eight_bytes_a_step(machine: str) -> None:
    steps = seccomp.program(machine, bounded=False, network=False)
    assert len(seccomp.encode(steps)) == 8 * len(steps)
    assert len(steps) < 4096
    assert all(0 <= skip < 256 for step in steps for skip in step[1:3])


NOTIFIED = 0x7FC00000


def call(machine: str, name: str) -> int | None:
    return seccomp.SUPERVISED[name][0 if machine == "x86_64" else 1]


def test_a_supervisor_is_asked_for_what_is_judged_by_its_target(machine: str) -> None:
    steps = seccomp.program(machine, bounded=False, network=False, supervised=True, scoped=False)
    alone = seccomp.program(machine, bounded=False, network=False)
    for name in seccomp.SUPERVISED:
        number = call(machine, name)
        if number is not None and name not in ("ioctl", "fcntl"):
            arguments = (4711, 4711) if name == "setpriority" else (4711,)
            assert judge(steps, MACHINES[machine], number, *arguments) == NOTIFIED, name
            assert judge(alone, MACHINES[machine], number, *arguments) != NOTIFIED, name


@pytest.mark.parametrize(
    ("name", "arguments", "alone", "supervised"),
    [
        ("ioctl", (0, 0x5441), ALLOWED, NOTIFIED),
        ("ioctl", (0, 0x5412), error(1), error(1)),
        ("ioctl", (0, 0x40086602), error(1), error(1)),
        ("setpriority", (2, 0), error(1), error(1)),
        ("setpriority", (0, 0), ALLOWED, ALLOWED),
        ("setpriority", (0, 7), error(1), NOTIFIED),
        ("prlimit64", (7,), error(1), NOTIFIED),
        ("sched_setaffinity", (0,), ALLOWED, ALLOWED),
        ("kill", (0xFFFFFFFF,), error(1), error(1)),
        ("kill", (7,), ALLOWED, ALLOWED),
        ("connect", (3,), ALLOWED, NOTIFIED),
        ("fchownat", (3,), error(1), NOTIFIED),
        ("socket", (1, 1), error(13), ALLOWED),
        ("socket", (1, 0x80005), error(13), ALLOWED),
        ("socket", (1, 2), error(13), error(13)),
        ("socket", (16, 3, 0), error(13), error(13)),
        ("socketpair", (1, 2), error(13), error(13)),
        ("socketpair", (1, 1), ALLOWED, ALLOWED),
    ],
)
def test_without_namespaces_calls_are_judged_by_their_arguments(
    machine: str, name: str, arguments: tuple[int, ...], alone: int, supervised: int
) -> None:
    sockets = {"socket": (41, 198), "socketpair": (53, 199)}
    number = sockets[name][machine != "x86_64"] if name in sockets else call(machine, name)
    assert number is not None
    for expected, asked in ((alone, False), (supervised, True)):
        steps = seccomp.program(machine, bounded=False, network=False, supervised=asked)
        assert judge(steps, MACHINES[machine], number, *arguments) == expected


KNOWN = calls.allowed().keys() | seccomp.REFUSED.keys() | seccomp.REFUSED_UNBOUNDED.keys() | seccomp.SUPERVISED.keys()
HEADERS = {
    "x86_64": ("asm/unistd_64.h", "x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": ("asm-generic/unistd.h",),
}
NEVER_MADE = {
    "_sysctl", "afs_syscall", "create_module", "epoll_ctl_old", "epoll_wait_old", "get_kernel_syms", "getpmsg", "putpmsg",
    "query_module", "security", "tuxcall", "vserver", "syscalls", "get_thread_area", "set_thread_area", "sync_file_range2",
}  # fmt: skip
"""What stands in headers and no 64-bit program calls."""
OF_32_BITS = re.compile(r".*(16|32|_time32|64_64)|(ia32|s390|old|spu|pciconfig)_.*")
INNER = {
    "fadvise64", "fstatfs64", "gethostname", "ipc", "llseek", "mmap_pgoff", "newfstat", "newlstat", "newstat", "newuname",
    "ni_syscall", "nice", "oldumount", "olduname", "recv", "rtas", "send", "sendfile64", "sgetmask", "signal", "sigpending",
    "sigprocmask", "sigsuspend", "socketcall", "ssetmask", "statfs64", "stime", "subpage_prot", "umount", "vm86", "vm86old",
    "waitpid",
}  # fmt: skip
"""Names that the kernel has for other tables, or for what ours has under another name."""


def headers(machine: str) -> dict[str, int]:
    """Names and numbers as the headers of this system have them."""
    for name in HEADERS[machine]:
        if (file := Path("/usr/include", name)).exists():
            found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)$", file.read_text(), re.MULTILINE)
            table = {
                "newfstatat" if name == "fstatat" and machine == "aarch64" else name: int(number)
                for name, number in found
            }
            return (
                table
                if machine == "x86_64"
                else {k: v for k, v in table.items() if v < 244 or 260 <= v < 403 or v >= 424}
            )
    pytest.skip("no headers are installed")


def test_every_call_of_the_headers_is_known_by_its_number(machine: str) -> None:
    column = 0 if machine == "x86_64" else 1
    tables = (calls.allowed(), seccomp.REFUSED, seccomp.REFUSED_UNBOUNDED, seccomp.SUPERVISED)
    ours = {name: row[column] for table in tables for name, row in table.items()}
    assert {
        name: number for name, number in headers(machine).items() if ours.get(name) != number and name not in NEVER_MADE
    } == {}


def test_every_call_of_the_running_kernel_is_known() -> None:
    found = set(re.findall(r" [tT] __(?:x64|arm64)_sys_(\w+)", Path("/proc/kallsyms").read_text()))
    if not found:
        pytest.skip("the kernel does not name its calls")
    unknown = {name for name in found - KNOWN - INNER - NEVER_MADE if not OF_32_BITS.fullmatch(name)}
    assert unknown == set()


def test_what_nobody_knows_does_not_exist(machine: str, variant: tuple[bool, bool]) -> None:
    last = max(number for row in calls.allowed().values() for number in row[:2] if number is not None)
    between = (*range(340, 424), *range(470, 600), 4095, 0x3FFFFFFF)
    assert last < 470
    for supervised in (False, True):
        steps = seccomp.program(machine, *variant, supervised=supervised)
        for number in between:
            assert judge(steps, MACHINES[machine], number) == error(seccomp.ENOSYS), number


def test_what_is_allowed_is_neither_judged_nor_named_twice(machine: str) -> None:
    column = 0 if machine == "x86_64" else 1
    found = [row[column] for row in calls.allowed().values() if row[column] is not None]
    assert len(found) == len(set(found))
    assert not calls.allowed().keys() & (
        seccomp.REFUSED.keys() | seccomp.REFUSED_UNBOUNDED.keys() | seccomp.SUPERVISED.keys()
    )
    for bounded in (True, False):
        steps = seccomp.program(machine, bounded, network=False)
        conditional = {"clone", "unshare", "socket", "socketpair"}
        for name, row in calls.allowed().items():
            if (number := row[column]) is not None and name not in conditional:
                assert judge(steps, MACHINES[machine], number) == ALLOWED, name


@pytest.mark.parametrize(
    ("name", "arguments", "alone", "supervised"),
    [
        ("fcntl", (3, 8, 4711), error(1), NOTIFIED),
        ("fcntl", (3, 15, 4711), error(22), error(22)),
        ("fcntl", (3, 0x1_0000_0008, 4711), error(1), NOTIFIED),
        ("fcntl", (3, 4, 0x800), ALLOWED, ALLOWED),
        ("ioctl", (3, 0x8901, 1), error(1), error(1)),
        ("ioctl", (3, 0x8902, 1), error(1), error(1)),
    ],
)
def test_nobody_else_is_named_the_owner_of_a_descriptor_where_landlock_does_not_keep_signals_in(
    machine: str, name: str, arguments: tuple[int, ...], alone: int, supervised: int
) -> None:
    for network in (False, True):
        for expected, asked in ((alone, False), (supervised, True)):
            steps = seccomp.program(machine, bounded=False, network=network, supervised=asked, scoped=False)
            number = call(machine, name)
            assert number is not None
            assert judge(steps, MACHINES[machine], number, *arguments) == expected


@pytest.mark.parametrize("family", [(2, 1), (10, 2), (1, 1), (1, 5), (1, 2), (16, 3, 0), (40, 1)])
def test_with_the_network_a_unix_socket_is_only_made_where_connects_are_judged(
    machine: str, family: tuple[int, ...]
) -> None:
    number = {"x86_64": 41, "aarch64": 198}[machine]
    found = [
        judge(
            seccomp.program(machine, bounded=False, network=True, supervised=asked), MACHINES[machine], number, *family
        )
        for asked in (False, True)
    ]
    hosts, streams = family[0] in (2, 10, 16), family in ((1, 1), (1, 5))
    assert found == [ALLOWED if hosts else error(13), ALLOWED if hosts or streams else error(13)]
