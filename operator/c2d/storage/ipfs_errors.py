"""What an IPFS node's answers mean. Pure.

kubo answers every command that fails with status 500 and a JSON object, whatever the cause is; only its message
tells what is missing from what is broken. A proxy before it, such as a provider's, answers as HTTP means it.
"""

import json

from c2d.storage.errors import Denied, Missing, Refused, StorageError, Unavailable

_MISSING = ("does not exist", "no link named", "is not pinned", "not pinned or pinned indirectly")
_FULL = ("no space left on device", "disk quota exceeded", "exceeds the storage limit")
_TAKEN = ("already has entry by that name",)
_CLIENT = 1  # the code of an error that is the caller's


def error(command: str, status: int, body: bytes) -> StorageError:
    """The error that an answer other than 200 stands for."""
    where = f"{command} on the IPFS node"
    if status in (401, 403):
        return Denied(f"{where} was denied with status {status}")
    message, code = _told(body) if status == 500 else ("", 0)
    if any(words in message for words in _MISSING):
        return Missing(f"{where} found nothing there")
    if any(words in message for words in _FULL):
        return Unavailable(f"{where} failed: the node's disk is full")
    if any(words in message for words in _TAKEN):
        return Refused(f"{where} found something else there")
    if status == 429 or (status >= 500 and code != _CLIENT):
        return Unavailable(f"{where} failed with status {status}")
    return Refused(f"{where} was refused with status {status}")


def _told(body: bytes) -> tuple[str, int]:
    try:
        said = json.loads(body)
        return str(said["Message"]), int(said["Code"])
    except (ValueError, KeyError, TypeError):
        return "", 0
