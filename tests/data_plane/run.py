"""Downloads without the program around them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from c2d.api.plan import ConfigurePlan, PlannedFile, PlannedObject
from c2d.configure import place
from c2d.configure.errors import TaskFailed
from c2d.configure.fill import fill
from c2d.configure.retry import Policy
from c2d.configure.settings import Settings, World
from tests.data_plane.s3server import BUCKET, KEY, SECRET

FAST = Settings(policy=Policy(attempts=3, first_delay=0.001, longest_delay=0.002), stall_timeout=0.3)


class Run:
    """Fills a volume with one input, and remembers what was said."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.said: list[str] = []
        self._runner = folder / "runner"
        self._runner.write_bytes(b"runner")

    def fetch(self, url: str, sha256: str | None = None, settings: Settings = FAST, **fields: Any) -> bytes:
        return self.fetch_file(PlannedFile(path="inputs/a/0", url=url, sha256=sha256), settings, **fields)

    def fetch_file(self, file: PlannedFile, settings: Settings = FAST, **fields: Any) -> bytes:
        place.make_folders(self.data)
        given = {"inputs": [file], "allow_private_addresses": True} | fields
        plan = ConfigurePlan(job="ns/job", algorithm=[], **given)
        world = World(now=lambda: datetime.now(UTC), chance=lambda: 0.0, boot="boot", say=self.said.append)
        fill(plan, self.data, self._runner, settings, world)
        return (self.data / "inputs/a/0").read_bytes()

    def fails(self, url: str, sha256: str | None = None, settings: Settings = FAST, **fields: Any) -> TaskFailed:
        with pytest.raises(TaskFailed) as caught:
            self.fetch(url, sha256, settings, **fields)
        assert not (self.data / "inputs/a/0").exists()
        return caught.value

    def object(self, endpoint: str, key: str, secret: str | None = SECRET) -> PlannedFile:
        """An object of a bucket; without a secret, one that anybody may read."""
        folder = self.data.parent / "credentials"
        folder.mkdir(exist_ok=True)
        (folder / "AWS_ACCESS_KEY_ID").write_text(KEY)
        (folder / "AWS_SECRET_ACCESS_KEY").write_text(secret or "")
        credentials = str(folder) if secret is not None else None
        place = PlannedObject(endpoint=endpoint, region="us-east-1", bucket=BUCKET, key=key, credentials=credentials)
        return PlannedFile(path="inputs/a/0", s3=place)
