"""Headers that a data owner wants sent with the request for a file: a JSON object of texts in a Secret. Pure."""

import json
import re

from c2d.configure.errors import DownloadFailed

LIMIT = 32  # headers

# They are the transfer's own: what they say must be true of it, or it can't be resumed and checked.
_OURS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # a token (RFC 9110, 5.6.2)
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]{0,8192}")


def parse(text: str, shown: str) -> dict[str, str]:
    """The headers; raises DownloadFailed, which tells where they are and never what they are."""
    given = _decode(text, shown)
    if not isinstance(given, dict) or len(given) > LIMIT:
        raise DownloadFailed(f"{shown} is not a JSON object of at most {LIMIT} headers")
    found: dict[str, str] = {}
    for name, value in given.items():
        if not _NAME.fullmatch(name):
            raise DownloadFailed(f"{shown} has a name that is none of a header")
        if name.lower() in _OURS:
            raise DownloadFailed(f"{shown} has {name.title()}, which is the transfer's own")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise DownloadFailed(f"{shown} has a value that is no text on one line")
        if name.lower() in map(str.lower, found):
            raise DownloadFailed(f"{shown} has a header twice")
        found[name] = value
    return found


def _decode(text: str, shown: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # Without `from`: the error holds the text.
        raise DownloadFailed(f"{shown} is not JSON") from None
