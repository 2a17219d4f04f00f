"""Has a receipt signed. The operator's key is in the engine; this pod sends a hash, and its own token as a proof."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pydantic
import urllib3
from urllib3.exceptions import HTTPError

from c2d.api import receipt as receipts
from c2d.api.plan import Signer
from c2d.api.receipt import Receipt, Signature

TRIES = 3
_LIMIT = 16 * 1024  # bytes of an answer
_TIMEOUT = urllib3.Timeout(connect=5, read=20)


def signed(receipt: Receipt, signer: Signer | None, say: Callable[[str], None]) -> Receipt:
    """The receipt with a signature, or as it was where none can be had: results don't wait for it."""
    if signer is None:
        return receipt
    sha256 = receipts.signed_text(receipt).removeprefix(receipts.PURPOSE)
    for _ in range(TRIES):
        with contextlib.suppress(OSError, HTTPError, ValueError, pydantic.ValidationError):
            return receipt.model_copy(update={"signature": _ask(signer, sha256)})
    say("the receipt is not signed: the signer gave no signature")
    return receipt


def _ask(signer: Signer, sha256: str) -> Signature:
    """POST {"sha256": …} gives {"address": …, "signature": …}. Raises what `signed` suppresses."""
    headers = {"Authorization": f"Bearer {Path(signer.token_file).read_text().strip()}"}
    body = json.dumps({"sha256": sha256})
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request(
            "POST",
            signer.url,
            body=body,
            headers={**headers, "Content-Type": "application/json"},
            timeout=_TIMEOUT,
            redirect=False,
            preload_content=False,
        )
        text = answer.read(_LIMIT)
    if answer.status != 200:
        raise ValueError(f"status {answer.status}")
    return Signature.model_validate_json(text)
