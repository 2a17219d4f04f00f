"""The headers with which a result is downloaded. Pure.

Names come from manifests, so from whoever wrote the algorithm: nothing of them may end a header or begin another.
Sources: RFC 6266, RFC 8187.
"""

import functools
import mimetypes
import posixpath
import re
import urllib.parse

BINARY = "application/octet-stream"
NAMELESS = "result"
NAME_LIMIT = 200  # bytes; whoever saves the file may add to it, and file systems take 255

# A token of RFC 9110, without what clients decode (%) or RFC 8187 gives a meaning (' and *).
_PLAIN = re.compile(r"[A-Za-z0-9!#$&+.^_`|~-]+")
# A semicolon would be allowed, but there are parsers that split there, quotes or not.
_UNQUOTABLE = re.compile(r'[^ -~]|["\\%/;]')
_ATTRIBUTE_CHARS = "!#$&+.^_`|~-"  # besides letters and digits; of RFC 8187

_ADDED = {".log": "text/plain", ".md": "text/markdown", ".yaml": "application/yaml", ".yml": "application/yaml"}
# What is compressed is sent as it is: as Content-Encoding, clients would unpack it.
_COMPRESSED = {
    ".gz": "application/gzip",
    ".bz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".zst": "application/zstd",
    ".br": BINARY,
    ".z": BINARY,
}


def content_type(filename: str) -> str:
    """The type that the name's extension stands for, the same on every machine."""
    return _types().get(_extension(filename).lower(), BINARY)


def disposition(filename: str) -> str:
    """`attachment;filename=<name>`: the base name, with an extension.

    Other names than plain ones are written twice, for clients that know RFC 6266 and for those that don't.
    """
    name = _saved_as(filename)
    if _PLAIN.fullmatch(name):
        return f"attachment;filename={name}"
    quotable = _UNQUOTABLE.sub("_", name)
    encoded = urllib.parse.quote(name, safe=_ATTRIBUTE_CHARS)
    return f"attachment;filename=\"{quotable}\";filename*=UTF-8''{encoded}"


def _saved_as(filename: str) -> str:
    base = _base(filename)
    extension = _extension(base)
    stem = _cut(base.removesuffix(extension), NAME_LIMIT - len(extension.encode()))
    # What has no extension is of the binary type.
    return stem + (extension or ".bin")


def _base(filename: str) -> str:
    # A lone surrogate has no UTF-8.
    text = filename.encode("utf-8", "replace").decode()
    name = text.rsplit("/", 1)[-1]
    return NAMELESS if name in ("", ".", "..") else name


def _extension(filename: str) -> str:
    """With its dot; nothing where the dot is all there is, or what follows is too long for one."""
    extension = posixpath.splitext(_base(filename))[1]
    return extension if 1 < len(extension.encode()) <= 32 else ""


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


@functools.cache
def _types() -> dict[str, str]:
    # A table of our own knows only what Python brings, not what the machine's files add.
    return {**mimetypes.MimeTypes().types_map[1], **_ADDED, **_COMPRESSED}
