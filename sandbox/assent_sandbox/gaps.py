"""What each tier does not hold: named to the user, so that nobody takes a wall for higher than it is."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from assent_sandbox.policy import Tier


class Gap(Struct, frozen=True):
    """One thing that a command can do although it should not; `until` is the Landlock version that ends it, 0 for none."""

    name: str
    what: str
    why: str
    until: int = 0


_EVERYWHERE = (
    Gap(
        "system",
        "What you may read of the system's own folders (/usr, /etc, /nix, /snap, package data in /var) is read, and locked.",
        "Tools need them, and as part of the host itself: another view of them would cost every command its time.",
    ),
    Gap("load", "Load, timing and free space of the machine can be observed.", "No wall of the kernel hides them."),
    Gap(
        "toolchains",
        "A toolchain under home is shown with all that lies in its folder.",
        "What of it a tool needs cannot be known; keys in well-known places are hidden all the same.",
    ),
)
GAPS: dict[Tier, tuple[Gap, ...]] = {
    "overlay": _EVERYWHERE,
    "copy": (
        Gap(
            "attributes",
            "Mode and times of the user's own files can be changed anywhere (chmod, touch); not their content.",
            "Landlock withholds neither; the supervisor that does needs Linux 5.14.",
        ),
        Gap(
            "signals",
            "The user's other processes can be sent signals.",
            "Landlock withholds it since Linux 6.12; the supervisor that does needs Linux 5.14.",
        ),
        Gap(
            "metadata", "Names, sizes and times of files can be asked for anywhere (stat).", "Landlock withholds none."
        ),
        Gap(
            "locks", "Files that may be read can be locked, so that other programs wait.", "Landlock withholds no lock."
        ),
        Gap(
            "terminals",
            "Text can be written to the user's other terminals.",
            "Their devices lie where a command's own are made; the supervisor that opens those needs Linux 5.14.",
        ),
        Gap(
            "abstract sockets",
            "Services that listen on abstract unix sockets can be reached.",
            "Landlock withholds it since Linux 6.12; the supervisor that does needs Linux 5.14.",
            until=6,
        ),
        Gap("truncation", "The user's other files can be emptied.", "Landlock withholds it since Linux 6.2.", until=3),
        Gap(
            "root",
            "As root: only a watch bounds the processes.",
            "No bound of the kernel holds for root outside of namespaces: run assent as an ordinary user.",
        ),
        Gap("numbers", "Process numbers are those of the machine.", "There is no process namespace."),
        *_EVERYWHERE,
    ),
    "unconfined": (
        Gap(
            "everything", "A command can do all that you can.", "No wall stands here: every command of the model asks."
        ),
    ),
}


def gaps_of(tier: Tier, landlock: int, closed: Collection[str] = ()) -> tuple[Gap, ...]:
    """The gaps of a tier on a kernel with this version of Landlock, but for those that were found closed."""
    return tuple(gap for gap in GAPS[tier] if gap.name not in closed and (not gap.until or landlock < gap.until))
