"""How Aquarius, the metadata store of the Ocean network, is asked. Pure."""

import urllib.parse


def ddo_url(metadata_uri: str, did: str) -> str:
    """Where the asset's DDO is; the URL of the store may end with a slash or have a path."""
    return f"{metadata_uri.rstrip('/')}/api/aquarius/assets/ddo/{urllib.parse.quote(did, safe=':')}"
