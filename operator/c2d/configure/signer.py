"""Who signs downloads. A pod asks the operator, whose key never enters it; what comes back is good for one request.

The other one, for runs by hand, has the key itself: see c2d/configure/own_key.py.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from c2d.api import plan
from c2d.configure.asking import Asker, Question
from c2d.configure.errors import DownloadFailed, PlanInvalid
from c2d.configure.transport import Request
from c2d.ocean.provider import Signed

SHOWN = "the signer of downloads"
_LIMIT = 16_384  # bytes
_TOKEN_LIMIT = 65_536  # characters
_NONCE = re.compile(r"[0-9]{1,40}(\.[0-9]{1,20})?")
_SIGNATURE = re.compile(r"0x[0-9a-fA-F]{130}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
# The kubelet replaces a token before it expires; a request with the old one may still be on its way.
_PASSING = frozenset((401,))


class Signer(Protocol):
    """Gives signatures, each for one request."""

    async def sign(self, did: str) -> Signed:
        """A nonce that was never used, and the signature with it. Raises ConfigureError."""
        ...


@dataclass(frozen=True)
class PodSigner:
    """Asks the signer that the plan names."""

    settings: plan.Signer | None
    asker: Asker

    async def sign(self, did: str) -> Signed:
        """A nonce that was never used, and the signature with it. Raises DownloadFailed, or PlanInvalid without any."""
        if self.settings is None:
            raise PlanInvalid("there are assets in the plan, and nobody who signs their downloads")
        where = self.settings
        body = json.dumps({"did": did}).encode()
        answer = await self.asker.ask(Question(did, SHOWN, lambda: _request(where, body), _LIMIT, _PASSING))
        return _read(answer)


def _request(where: plan.Signer, body: bytes) -> Request:
    headers = {"Authorization": f"Bearer {_token(Path(where.token_file))}", "Content-Type": "application/json"}
    return Request(where.url, "POST", headers, body, follow=False)


def _token(path: Path) -> str:
    """As it is now: it is replaced while the pod runs."""
    try:
        with path.open(encoding="ascii") as file:
            token = file.read(_TOKEN_LIMIT).strip()
    except (OSError, UnicodeDecodeError):
        raise DownloadFailed("this pod's token for the signer can't be read", may_pass=True) from None
    if not token or not token.isprintable():
        raise DownloadFailed("this pod's token for the signer is none", may_pass=True)
    return token


def _read(answer: bytes) -> Signed:
    try:
        given = json.loads(answer)
        nonce, signature, address = given["nonce"], given["signature"], given["consumerAddress"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DownloadFailed(f"{SHOWN} answered with something else than a signature") from None
    nonce = str(nonce) if isinstance(nonce, int | float | str) else ""
    texts = isinstance(signature, str) and isinstance(address, str)
    if not (texts and _NONCE.fullmatch(nonce) and _SIGNATURE.fullmatch(signature) and _ADDRESS.fullmatch(address)):
        raise DownloadFailed(f"{SHOWN} answered with something else than a signature")
    return Signed(nonce, signature, address)
