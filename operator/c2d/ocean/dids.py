"""The names of assets. Pure."""

import re

# The DID of an asset, and nothing that could be read as another text: what is signed is the DID with digits behind it,
# so an identifier that ends with digits of its own could pass for a shorter one with a larger nonce.
_DID = re.compile(r"did:op:[0-9a-fA-F]{64}")


def is_did(asset: str) -> bool:
    return _DID.fullmatch(asset) is not None
