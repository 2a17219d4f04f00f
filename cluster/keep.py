"""Old entries of the cache go when new ones come."""

from __future__ import annotations

import shutil
from pathlib import Path

KEPT = 3


def newest(folder: Path, name: str) -> None:
    """Of the entries `folder/<key>/name`, keep the newest few and delete the others with their key's folder."""
    found = sorted(folder.glob(f"[!.]*/{name}"), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT]:
        shutil.rmtree(path.parent)
