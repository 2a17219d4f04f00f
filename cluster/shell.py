"""Start other programs and wait for them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.settings import ClusterError

TAIL_LINES = 15


class CommandFailed(ClusterError):
    """A program ended with something other than 0; the message carries its last words."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        tail = "\n".join(output.strip().splitlines()[-TAIL_LINES:])
        super().__init__(f"{' '.join(argv)} ended with {code}\n{tail}")
        self.code = code
        self.output = output


def run(
    *argv: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run to the end and return stdout. `env` is added to ours. Raises CommandFailed (also when not found)."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=stdin or "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandFailed(words, 127, f"{words[0]}: not found") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(words, 124, f"no end after {timeout} s") from error
    if done.returncode != 0:
        raise CommandFailed(words, done.returncode, done.stderr or done.stdout)
    return done.stdout


def succeeds(*argv: str | Path, timeout: float | None = None) -> bool:
    """Whether the program is there and ends with 0."""
    try:
        run(*argv, timeout=timeout)
    except CommandFailed:
        return False
    return True
