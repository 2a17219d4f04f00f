"""Headers for the requests to an IPFS node, such as a provider's keys.

They are files of a mounted Secret, `<folder>/<secret>/<header's name>`, read before every request, so that rotated
ones count at once.
"""

import re
from pathlib import Path

from c2d.api.environment import IpfsTarget
from c2d.storage.errors import Denied

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")  # a token of RFC 9110
_VALUE = re.compile(r"[\x20-\x7e\t]{1,8192}")


def read(folder: Path, target: IpfsTarget) -> dict[str, str]:
    """Raises Denied where the Secret isn't mounted, or holds what can't be a header."""
    if target.headers_secret_name is None:
        return {}
    secret = f"Secret {target.headers_secret_name!r}, the headers for the IPFS node,"
    try:
        files = [path for path in (folder / target.headers_secret_name).iterdir() if _is_ours(path)]
        headers = {path.name: path.read_text().strip() for path in files}
    except (OSError, UnicodeDecodeError) as error:
        raise Denied(f"{secret} can't be read") from error
    if not headers:
        raise Denied(f"{secret} has no files here: mount it with the chart value service.credentialsSecrets")
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers.items()):
        raise Denied(f"{secret} holds something that is no header")
    return headers


def _is_ours(path: Path) -> bool:
    """The kubelet keeps the files in a folder `..data` and puts links to them beside it."""
    return not path.name.startswith("..") and path.is_file()
