"""The end of a volume that keeps its results: once they are complete, the data of others goes from it.

Outputs stay, as the results are the same files. So whatever dies here, the next pod publishes again what there is, and
goes on with the cleaning.
"""

import shutil
from pathlib import Path

from c2d.api import volume
from c2d.publish.errors import Unreadable


def clean(data: Path) -> None:
    """Removes inputs, DDOs and algorithm, which no algorithm could write to. Raises Unreadable."""
    for name in volume.SPENT:
        try:
            for path in (data / name).iterdir():
                _remove(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Unreadable(f"{name} can't be removed from the volume: {error.strerror}") from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
