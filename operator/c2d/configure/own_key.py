"""Signs downloads in this process, for a run by hand. Never loaded in a pod, which has no key."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from c2d.ocean import signatures
from c2d.ocean.provider import Signed
from c2d.ocean.signatures import PrivateKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class KeySigner:
    """A `Signer` that has the key. Its nonces are the clock's milliseconds, as everywhere in Ocean.

    They rise even where the clock doesn't. Only this process knows them: where the same key is used elsewhere
    meanwhile, a Provider may see a later one first, and then the download asks for another signature.
    """

    def __init__(self, key: PrivateKey, now: Callable[[], datetime]) -> None:
        self._key = key
        self._now = now
        self._last = 0

    async def sign(self, did: str) -> Signed:
        nonce = str(self._next())
        return Signed(nonce, signatures.sign_like_a_wallet(did + nonce, self._key), self._key.address)

    def _next(self) -> int:
        self._last = max(self._last + 1, (self._now() - _EPOCH) // _MILLISECOND)
        return self._last
