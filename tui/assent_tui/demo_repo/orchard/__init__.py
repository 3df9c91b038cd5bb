"""Slips of the farm stand, added up."""

from orchard.bill import total
from orchard.lines import Line, parse_line

__all__ = ["Line", "parse_line", "total"]
