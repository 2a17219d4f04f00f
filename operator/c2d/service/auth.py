"""Who calls: from a signature to a Provider. Pure: no I/O, and the time is an argument.

The signed text covers the owner, the job's id where there is one, and the nonce: neither the workflow nor the
environment nor the method. `replay` binds a signature to what it was first used for.
"""

import hashlib
import hmac
from dataclasses import dataclass

from c2d.ocean import signatures
from c2d.ocean.errors import BadSignature
from c2d.service.errors import BadRequest, Unauthorized
from c2d.service.parameters import Signed
from c2d.service.settings import Access

_NANOSECONDS = 1_000_000_000
_ADDRESS_LENGTH = 42  # characters


@dataclass(frozen=True)
class Provider:
    """The caller. Without an address where signatures are not required."""

    address: str
    expires: int = 0  # when its signature is stale, in seconds since 1970
    key: bytes = b""  # names the signed text and its signer, however the signature was written


class Stranger(Unauthorized):
    """Who signed is not on the list; the data owner may want to know who it was."""

    def __init__(self, address: str, message: str) -> None:
        super().__init__(message)
        self.address = address


def provider(signed: Signed, access: Access, now_ns: int) -> Provider:
    """The Provider that signed. Raises BadRequest and Unauthorized."""
    if not access.signature_required:
        return Provider("")
    try:
        address = signatures.recover(signed.text, signed.signature)
    except BadSignature:
        raise BadRequest("Failed to recover address") from None
    if address.lower() not in access.providers:
        raise Stranger(
            address,
            f"Invalid signature {signed.signature} of documentId {signed.text},"
            f"the signing ethereum account {address} is not authorized to use this service.",
        )
    if signed.names_owner and len(signed.text) - len(signed.nonce) > _ADDRESS_LENGTH:
        # "owner + jobId" would be an owner, too, and one signature would serve for both.
        raise Unauthorized('"owner" is longer than an address, so the signed text is ambiguous')
    expires = _fresh_until(signed.nonce, access.window_seconds, now_ns)
    return Provider(address, expires, hashlib.sha256(f"{address} {signed.text}".encode()).digest())


def _fresh_until(nonce: str, window: int, now_ns: int) -> int:
    """Seconds since 1970. Raises Unauthorized for a nonce that is no time, or not about now."""
    if not (nonce.isascii() and nonce.isdecimal() and len(nonce) <= 20):
        raise Unauthorized("Invalid nonce: it must be the time in nanoseconds, as a whole number")
    behind = (now_ns - int(nonce)) / _NANOSECONDS
    if abs(behind) > window:
        raise Unauthorized(
            f"Invalid nonce: it is {abs(behind):.0f} seconds {'old' if behind > 0 else 'ahead'}, and at most {window} "
            "are allowed; sign with the current time in nanoseconds, and check the clocks"
        )
    return int(nonce) // _NANOSECONDS + window + 1


def admin(header: str | None, access: Access) -> None:
    """Raises BadRequest and Unauthorized, with the texts that scripts know."""
    if not header:
        raise BadRequest("Admin header is empty.\nstatus code: 400")
    given = header.encode(errors="surrogateescape")
    # Every one is compared, and each in constant time: the answer's time tells nothing.
    matches = [hmac.compare_digest(given, known.encode()) for known in access.admins]
    if not any(matches):
        raise Unauthorized("Access admin route failed due to invalid admin address.\nstatus code: 401")
