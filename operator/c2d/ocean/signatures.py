"""Signatures of accounts, as Providers make them. Pure.

What is signed is the hash of a text, and that within the envelope of EIP-191, version 0x45, so that a signature for
us can't be taken for a transaction. So does `sign_message` of Ocean's Provider; tests have two signatures made by it.
"""

import functools
import re

import coincurve
import eth_utils.exceptions
from eth_hash.auto import keccak
from eth_keys import datatypes
from eth_keys.backends.coincurve import CoinCurveECCBackend

from c2d.ocean.errors import BadAddress, BadKey, BadSignature

TEXT_LIMIT = 4096  # characters; an owner, a job and a nonce together have less than a hundred

_ENVELOPE = b"\x19Ethereum Signed Message:\n32"
_SIGNATURE = re.compile(r"(?:0[xX])?([0-9a-fA-F]{130})")
_KEY = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")
# What wallets write for the parity of the curve point: 27 and 28 are Bitcoin's, which Ethereum took over.
_PARITIES = {0: 0, 1: 1, 27: 0, 28: 1}
# By name: left to itself the library falls back to Python where coincurve is missing, which is a hundred times slower.
_CURVE = CoinCurveECCBackend()


class PrivateKey:
    """A private key that shows itself to nobody; its address may be seen."""

    __slots__ = ("_address", "_key")

    def __init__(self, text: str) -> None:
        """From 64 hex digits, with or without 0x. Raises BadKey."""
        found = _KEY.fullmatch(text.strip()) if len(text) <= 256 else None
        if found is None:
            raise BadKey("a private key is 64 hex digits, with or without 0x before them")
        try:
            self._key = datatypes.PrivateKey(bytes.fromhex(found[1]), backend=_CURVE)
        except eth_utils.exceptions.ValidationError:
            # Without `from`: the error holds the key.
            raise BadKey("a private key is neither 0 nor as large as the curve's order") from None
        self._address = checksum_address(self._key.public_key.to_address())

    @property
    def address(self) -> str:
        return self._address

    def sign_hash(self, digest: bytes) -> bytes:
        """r, s and v (0 or 1), 65 bytes. The same hash gives the same signature (RFC 6979)."""
        return self._key.sign_msg_hash(digest).to_bytes()

    def __repr__(self) -> str:
        return f"PrivateKey(of {self.address})"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")


def text_hash(text: str) -> bytes:
    """keccak256("\\x19Ethereum Signed Message:\\n32" + keccak256(text)), the text as UTF-8.

    Raises BadSignature where the text has no UTF-8, because it has half of a surrogate pair, or is very long.
    """
    if len(text) > TEXT_LIMIT:
        raise BadSignature(f"the signed text is longer than {TEXT_LIMIT} characters")
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise BadSignature("the signed text has a character that is none") from error
    return bytes(keccak(_ENVELOPE + keccak(content)))


def recover(text: str, signature: object) -> str:
    """The address, with checksum, that signed the text. Raises BadSignature for anything that gives none.

    Any well-formed signature gives some address; only a comparison says whether the right one signed.

    A signature has a twin, with n - s for s, that gives the same address (EIP-2 forbids it in transactions only). It
    is accepted: so a signature must not serve as the identity of a request; take the text and the address for that.
    """
    found = _SIGNATURE.fullmatch(signature) if isinstance(signature, str) and len(signature) <= 132 else None
    if found is None:
        raise BadSignature("a signature is 130 hex digits behind 0x")
    raw = bytes.fromhex(found[1])
    if raw[64] not in _PARITIES:
        raise BadSignature("a signature ends with 00, 01, 1b or 1c")
    digest = text_hash(text)
    try:
        # Not by eth_keys, which takes twice as long around the same call; every request waits for this one.
        point = coincurve.PublicKey.from_signature_and_message(raw[:64] + bytes([_PARITIES[raw[64]]]), digest, None)
    except Exception as error:  # the library has nothing narrower
        raise BadSignature("the signature is no point of the curve") from error
    return checksum_address("0x" + keccak(point.format(compressed=False)[1:])[-20:].hex())


def sign(text: str, key: PrivateKey) -> str:
    """The signature as a Provider sends it: 0x, then r, s and v as hex, v being 00 or 01. Raises BadSignature."""
    return "0x" + key.sign_hash(text_hash(text)).hex()


def sign_like_a_wallet(text: str, key: PrivateKey) -> str:
    """The same with v as 27 or 28: what a Provider wants of whoever downloads from it. Raises BadSignature."""
    signature = key.sign_hash(text_hash(text))
    return "0x" + signature[:64].hex() + f"{signature[64] + 27:02x}"


def is_address(text: object) -> bool:
    """Whether it is 0x and 40 hex digits. A checksum in it is not judged: many tools write addresses in lower case."""
    return isinstance(text, str) and len(text) == 42 and _ADDRESS.fullmatch(text) is not None


@functools.lru_cache(maxsize=1024)  # every request of a Provider asks for the same one
def checksum_address(address: str) -> str:
    """The address in the mixed case of EIP-55, in which a wrong digit is noticed. Raises BadAddress."""
    if not is_address(address):
        raise BadAddress("an address is 0x and 40 hex digits")
    digits = address[2:].lower()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark > "7" else digit for digit, mark in zip(digits, marks[:40], strict=True)
    )
