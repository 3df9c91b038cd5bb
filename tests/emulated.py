"""What a terminal shows after some output: enough of one for a program that moves the cursor and prints."""

import re

from rich.cells import cell_len

_SEQUENCE = re.compile(
    r"\x1b(?:\[(?P<args>[0-9;:?<=>]*)[ -/]*(?P<ends>[@-~])"
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)|[P^_X][^\x1b]*\x1b\\|[()][0-9A-Za-z]|[=>78cDEHMNZ])"
)
_PRINTED = re.compile(r"[^\x1b\r\n]+")


class Emulated:
    """Rows of cells. Sequences that neither move nor erase are left out; what follows a torn one waits for its rest."""

    def __init__(self, rows: int, columns: int) -> None:
        self.size = (rows, columns)
        self._cells = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0
        self._left = ""

    @property
    def text(self) -> str:
        """All rows, without the blanks at their ends."""
        return "\n".join("".join(row).rstrip() for row in self._cells)

    def feed(self, data: str) -> None:
        """Take more output."""
        data, self._left, at = self._left + data, "", 0
        while at < len(data):
            if found := _PRINTED.match(data, at):
                self._print(found[0])
            elif found := _SEQUENCE.match(data, at):
                self._obey(found["args"] or "", found["ends"] or "")
            elif data[at] == "\x1b":
                self._left = data[at:]
                return
            else:
                self._column = 0
                self._row += data[at] == "\n"
            at = found.end() if found else at + 1

    def _print(self, text: str) -> None:
        rows, columns = self.size
        for character in text:
            wide = cell_len(character)
            if wide and self._row < rows and self._column + wide <= columns:
                self._cells[self._row][self._column : self._column + wide] = [character] + [""] * (wide - 1)
            self._column += wide

    def _obey(self, args: str, ends: str) -> None:
        numbers = [int(part) if part.isdigit() else 0 for part in args.split(";")]
        if ends == "H":
            self._row = max(numbers[0] - 1, 0)
            self._column = max(numbers[1] - 1, 0) if len(numbers) > 1 else 0
        elif ends == "J" and numbers[0] == 2:
            self._cells = [[" "] * self.size[1] for _ in range(self.size[0])]
        elif ends == "K" and self._row < self.size[0]:
            self._cells[self._row][self._column :] = [" "] * (self.size[1] - self._column)
