"""A volume, a place in a storage, and the program between them: the same for every kind of storage."""

import hashlib
from pathlib import Path

from c2d.api.environment import VolumeTarget
from c2d.api.manifest import Manifest
from c2d.storage.targets import Target
from tests.data_plane.ipfs_server import IpfsServer
from tests.data_plane.programs import Finished
from tests.data_plane.s3server import S3Server
from tests.data_plane.volumes import CLAIM, Volume


class Bench:
    """A volume, a place in the storage, and the program between them."""

    environment: dict[str, str]

    def __init__(self, volume: Volume, target: Target) -> None:
        self.volume = volume
        self.target: Target = target
        volume.make()

    def output(self, name: str, content: bytes = b"x") -> Path:
        path = self.volume.path("outputs") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def log(self, name: str, content: bytes) -> None:
        self.volume.path(name).write_bytes(content)

    def publish(self, *options: object, target: Target | None = None) -> Finished:
        return self.volume.publish(target or self.target, self.environment, *options)

    def manifest(self) -> Manifest:
        return Manifest.model_validate_json(self.read("manifest.json"))

    def stored(self) -> dict[str, bytes]:
        """What the manifest names, each verified."""
        found = {}
        for result in self.manifest().results:
            content = self.read(result.key)
            assert (len(content), hashlib.sha256(content).hexdigest()) == (result.filesize, result.sha256)
            found[result.key] = content
        return found

    def assert_nothing_else(self) -> None:
        assert self.names() == {result.key for result in self.manifest().results} | {"manifest.json"}

    def assert_left(self, attempt: int) -> None:
        """This attempt's results, and nothing of the attempts before."""
        raise NotImplementedError

    def read(self, key: str) -> bytes:
        raise NotImplementedError

    def names(self) -> set[str]:
        """What is stored."""
        raise NotImplementedError

    def place(self) -> tuple[str, str]:
        """What the report should say of where: location and manifest."""
        raise NotImplementedError


class S3Bench(Bench):
    """In a bucket."""

    def __init__(self, s3: S3Server, volume: Volume, name: str) -> None:
        super().__init__(volume, s3.target(prefix=name))
        self.s3 = s3
        self.environment = s3.environment
        self.prefix = f"{name}/ns/uid/"

    def read(self, key: str) -> bytes:
        return self.s3.read(self.prefix + key)

    def names(self) -> set[str]:
        return self.s3.keys(self.prefix)

    def place(self) -> tuple[str, str]:
        return f"s3://results/{self.prefix.rstrip('/')}", f"{self.prefix}manifest.json"

    def assert_left(self, attempt: int) -> None:
        assert self.names() == set()
        self.prefix = f"{self.prefix.rstrip('/')}-{attempt}/"
        self.stored()
        self.assert_nothing_else()

    def assert_nothing_else(self) -> None:
        super().assert_nothing_else()
        assert self.s3.unfinished(self.prefix) == []


class IpfsBench(Bench):
    """On a node of IPFS; what counts is what the one pin names."""

    def __init__(self, ipfs: IpfsServer, volume: Volume, name: str) -> None:
        super().__init__(volume, ipfs.target(prefix=f"{name}-"))
        self.ipfs = ipfs
        self.environment = {}
        self.folder = f"{name}-uid"

    @property
    def cid(self) -> str:
        [cid] = [cid for cid, name in self.ipfs.pins().items() if name == self.folder]
        return cid

    def read(self, key: str) -> bytes:
        return self.ipfs.read(f"{self.cid}/{key}")

    def names(self) -> set[str]:
        return self.ipfs.names(self.cid)

    def place(self) -> tuple[str, str]:
        return f"ipfs://{self.cid}", f"{self.cid}/manifest.json"

    def assert_left(self, attempt: int) -> None:
        assert self.ipfs.cid(f"/c2d/{self.folder}") is None
        assert self.folder not in self.ipfs.pins().values()
        self.folder = f"{self.folder}-{attempt}"
        self.stored()
        self.assert_nothing_else()

    def assert_nothing_else(self) -> None:
        super().assert_nothing_else()
        assert self.ipfs.cid(f"/c2d/{self.folder}") == self.cid
        assert self.ipfs.cid(f"/c2d/.unfinished/{self.folder}") is None


class KeptBench(Bench):
    """On the volume itself."""

    def __init__(self, volume: Volume) -> None:
        super().__init__(volume, VolumeTarget())
        self.environment = {}
        self.folder = volume.path("results") / CLAIM / "uid"

    def read(self, key: str) -> bytes:
        return (self.folder / key).read_bytes()

    def names(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def place(self) -> tuple[str, str]:
        return f"volume://{CLAIM}/uid", f"{CLAIM}/uid/manifest.json"

    def assert_nothing_else(self) -> None:
        super().assert_nothing_else()
        assert [path.name for path in self.volume.path("results").iterdir()] == [CLAIM]
