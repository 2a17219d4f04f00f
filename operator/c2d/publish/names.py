"""Names of output files as text. Pure.

A file's name is any bytes; a manifest, a key and a terminal want text. In the text, every byte of

- what isn't valid UTF-8,
- characters that can't be printed (controls, line separators, directions, unassigned ones, spaces other than " "),
- `%` and `\\`

is written as `%XX`, in upper-case hex; everything else stays as it is. Because `%` itself is always written so,
two names never have one text, and `decode` gives the bytes back.
"""

import hashlib
import urllib.parse

# Bytes. Many stores keep a key's parts as file names, and S3 takes keys up to 1024 bytes, prefix included.
_PART_LIMIT = 255
_KEY_LIMIT = 600
_SHOWN = 1024  # characters

OUTPUTS = "outputs"
LONG = "long"


def encode(path: bytes) -> str:
    """The text of a path; its parts stay separated by slashes."""
    text = path.decode("utf-8", "surrogateescape")
    if text.isprintable() and "%" not in text and "\\" not in text:
        return text
    return "".join(_encode_char(char) for char in text)


def shortened(text: str) -> str:
    """The text, cut where it is too long to be listed for its own sake."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def decode(text: str) -> bytes:
    return urllib.parse.unquote_to_bytes(text)


def _encode_char(char: str) -> str:
    if char.isprintable() and char not in "%\\":
        return char
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))


def key(text: str) -> str:
    """The key of an output, below the job's location: `outputs/<its text>`.

    A text that is too long for a key becomes its own sha256, in a folder where no other keys are.
    """
    parts = (len(part.encode()) for part in text.split("/"))
    if len(text.encode()) > _KEY_LIMIT or max(parts) > _PART_LIMIT:
        return f"{LONG}/{hashlib.sha256(text.encode()).hexdigest()}"
    return f"{OUTPUTS}/{text}"
