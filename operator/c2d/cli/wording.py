"""How durations, sizes and text from elsewhere are shown. Pure."""

import re
from datetime import datetime

# Everything that moves the cursor, changes colours or rings: what a terminal obeys must not come from an algorithm.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_UNITS = ("B", "kB", "MB", "GB", "TB")


def plain(text: str) -> str:
    """The text without anything that a terminal would act on."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def duration(seconds: float) -> str:
    """`0.4 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def between(begin: datetime | None, end: datetime | None) -> str:
    """The duration between two moments of the API server, which keeps whole seconds; empty when one is missing."""
    if begin is None or end is None:
        return ""
    return duration(int((end - begin).total_seconds())).replace(".0 s", " s")


def age(since: datetime, now: datetime) -> str:
    """`12s`, `5m`, `7h`, `3d`: the largest unit, as kubectl shows it."""
    seconds = max(int((now - since).total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def size(count: int) -> str:
    """`512 B`, `1.2 kB`, `34 MB`: powers of 1000."""
    value, unit = float(count), _UNITS[0]
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            break
        value /= 1000
    if unit == _UNITS[0] or value >= 9.95:
        return f"{value:.0f} {unit}"
    return f"{value:.1f} {unit}"


def moment(text: str) -> datetime:
    """A time as the API server writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
