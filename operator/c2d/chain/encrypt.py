"""The Provider that encrypts files and DDO: whoever wants them later asks it.

The forms are those of Ocean's Provider: POST of the plain bytes, with the chain's number in the query; the answer is
text, in hex.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import aiohttp

from c2d.chain.errors import EncryptRefused, EncryptUnreachable

_TIMEOUT = 30.0  # seconds
_ANSWER = 1_000_000  # bytes
_STANDARD = "/api/services/encrypt"
_PATH = re.compile(r"/?[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?")
_HEX = re.compile(r"0x([0-9a-fA-F]{2})+")
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


@dataclass(frozen=True)
class Provider:
    """As it tells of itself."""

    url: str
    encrypt_url: str
    address: str  # "" where it tells none


async def discover(session: aiohttp.ClientSession, url: str, chain_id: int) -> Provider:
    """Raises EncryptUnreachable."""
    base = url.rstrip("/")
    status, text = await _ask(session.get(base, allow_redirects=False))
    if status != 200:
        raise EncryptUnreachable(f"the Provider answers {status} where it should tell of itself")
    told = _object(text)
    addresses = told.get("providerAddresses")
    address = addresses.get(str(chain_id)) if isinstance(addresses, dict) else told.get("providerAddress")
    known = address if isinstance(address, str) and _ADDRESS.fullmatch(address) else ""
    return Provider(base, base + _path(told), known)


async def encrypt(session: aiohttp.ClientSession, provider: Provider, chain_id: int, content: bytes) -> str:
    """Hex, with 0x. Raises EncryptUnreachable, and EncryptRefused where trying again would not help."""
    asked = session.post(
        provider.encrypt_url,
        params={"chainId": str(chain_id)},
        data=content,
        headers={"Content-Type": "application/octet-stream"},
        allow_redirects=False,
    )
    status, text = await _ask(asked)
    if status in (400, 401, 403, 404, 405, 413, 415):
        raise EncryptRefused(f"the Provider answers {status} to what it is to encrypt for chain {chain_id}")
    if status not in (200, 201):
        raise EncryptUnreachable(f"the Provider answers {status} to what it is to encrypt")
    if not _HEX.fullmatch(text.strip()):
        raise EncryptRefused("what the Provider answers is not the hex of what it encrypted")
    return text.strip()


def session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))


async def _ask(asked: Any) -> tuple[int, str]:
    try:
        async with asked as response:
            content = await response.content.read(_ANSWER + 1)
            while len(content) <= _ANSWER and (more := await response.content.read(_ANSWER + 1 - len(content))):
                content += more
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise EncryptUnreachable(f"the Provider does not answer ({type(error).__name__})") from None
    if len(content) > _ANSWER:
        raise EncryptRefused(f"the Provider's answer is longer than {_ANSWER} bytes")
    return response.status, content.decode(errors="replace")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _path(told: dict[str, Any]) -> str:
    """Where it encrypts; never on another host."""
    endpoints = told.get("serviceEndpoints")
    listed = endpoints.get("encrypt") if isinstance(endpoints, dict) else None
    path = listed[1] if isinstance(listed, list) and len(listed) == 2 else None
    if not isinstance(path, str) or not _PATH.fullmatch(path) or ".." in path:
        return _STANDARD
    return "/" + path.lstrip("/")
