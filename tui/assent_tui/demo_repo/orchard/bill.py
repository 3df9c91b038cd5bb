"""What a slip comes to."""

from orchard.lines import parse_line

MANY = 10


def total(slip):
    """The cents of a whole slip; empty lines count for nothing."""
    return sum(price(parse_line(line)) for line in slip.splitlines() if line.strip())


def price(line):
    """The cents of one line; a tenth less from MANY pieces on, rounded down."""
    full = line.count * line.cents
    return full * 9 // 10 if line.count > MANY else full
