"""Results that stay on a job's own volume: a folder of objects, which shares its files with the outputs folder.

Outputs are linked and not copied: there may be no room for them twice. Nobody writes to them any more, as the
algorithm's pod is gone before publish starts.
"""

import os
from pathlib import Path

from c2d.api.environment import VolumeTarget
from c2d.storage import targets
from c2d.storage.folder import UNFINISHED, FolderStore, told
from c2d.storage.store import Finished


class KeptStore(FolderStore):
    """A folder on the volume that the outputs are on, too."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._drafts = root / UNFINISHED

    def link(self, key: str, descriptor: int) -> None:
        """Makes the open file an object, in the place of what was there. Raises StorageError."""
        path, draft = self.path(key), self._drafts / key
        with told("linked"):
            for folder in (draft.parent, path.parent):
                folder.mkdir(parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            _link(descriptor, draft)
            os.fchmod(descriptor, 0o440)
            # What a manifest names has to be there even after a power cut.
            os.fsync(descriptor)
            draft.replace(path)
            # Two names of one file are both still there after a rename.
            draft.unlink(missing_ok=True)

    def finish(self, prefix: str) -> Finished:
        super().finish(prefix)
        return Finished(location=targets.location(VolumeTarget(), prefix), prefix=prefix)


def _link(descriptor: int, path: Path) -> None:
    """By its descriptor: whatever has its name by now is not meant.

    Only with an open folder does Python ask for linkat(2), which follows the link that leads from /proc to the file;
    link(2) would link that one.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
