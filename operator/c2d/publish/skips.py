"""What was not published, and why."""

from c2d.api.manifest import Skipped
from c2d.publish import names

LISTED = 1_000


class Skips:
    """Lists the first thousand and counts the others."""

    def __init__(self) -> None:
        self.listed: list[Skipped] = []
        self.count = 0

    def add(self, filename: str, reason: str) -> None:
        self.count += 1
        if len(self.listed) < LISTED:
            self.listed.append(Skipped(filename=names.shortened(filename), reason=reason))
