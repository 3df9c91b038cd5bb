"""One line of a slip: how many, of what, for how much."""

import re
from typing import NamedTuple

SHAPE = re.compile(r"\s*(\d+)\s*x\s*(.+?)\s*@\s*(\d+(?:\.\d{1,2})?)\s*")


class Line(NamedTuple):
    """`cents` is the price of a single piece."""

    count: int
    name: str
    cents: int


def parse_line(text):
    """Read a line such as `3 x Apple @ 0.40`; ValueError if it is none."""
    match = SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a line of a slip: {text!r}")
    count, name, price = match.groups()
    return Line(int(count), name, cents(price))


def cents(price):
    """The cents of a price as it is written: `0.4`, `0.40` and `12` are all right."""
    return int(float(price) * 100)
