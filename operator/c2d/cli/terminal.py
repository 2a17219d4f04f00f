"""Where output goes: the answer of a command to the standard output, everything else to the standard error."""

import sys

import rich.console

# Columns of a table that goes to a file or a pipe: nothing may be cut there.
_WIDE = 10_000


def answers() -> rich.console.Console:
    """For what was asked for. In a pipe it is neither coloured nor wrapped."""
    return rich.console.Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)


def notes() -> rich.console.Console:
    """For progress and for errors."""
    return rich.console.Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)
