"""What was published comes back, verified, and never outside of the folder that was asked for."""

import json
from pathlib import Path

import pytest

from c2d.storage import results
from c2d.storage.errors import Corrupt, Missing
from c2d.storage.s3 import S3Store
from tests.data_plane.s3server import BUCKET, S3Server
from tests.data_plane.volumes import Volume
from tests.unit.publish.stores import MemoryStore


def nothing(result: object, path: Path) -> None:
    pass


@pytest.fixture
def store(s3: S3Server) -> S3Store:
    return S3Store(s3.client, BUCKET)


def test_everything_comes_back(s3: S3Server, volume: Volume, store: S3Store, tmp_path: Path) -> None:
    volume.make()
    files = {"a/b.bin": b"x" * 20_000_000, "new%0Aline": b"1", "empty": b""}
    (volume.path("outputs") / "a").mkdir()
    (volume.path("outputs") / "a/b.bin").write_bytes(files["a/b.bin"])
    (volume.path("outputs") / "new\nline").write_bytes(b"1")
    (volume.path("outputs") / "empty").touch()
    (volume.path("outputs") / ("\udcff" * 255)).write_bytes(b"long")
    done = volume.publish(s3.target("back"), s3.environment)
    seen: list[str] = []

    folder = tmp_path / "results"
    sha256 = str(done.report["manifestSha256"])
    manifest = results.fetch_all(store, "back/ns/uid", folder, lambda one, path: seen.append(one.filename), sha256)

    assert {name: (folder / "outputs" / name).read_bytes() for name in files} == files
    assert (folder / "logs/publish.log").stat().st_size > 0
    assert len(list((folder / "outputs").iterdir())) == 4
    assert sorted(seen) == sorted(result.filename for result in manifest.results)
    assert {path.name for path in folder.iterdir()} == {"outputs", "logs", "manifest.json"}


def test_nothing_published(store: S3Store, tmp_path: Path) -> None:
    with pytest.raises(Missing):
        results.fetch_all(store, "nothing/here", tmp_path, nothing)


def manifest(**changes: object) -> bytes:
    result = {"index": 0, "type": "output", "filename": "a", "key": "outputs/a", "filesize": 1, "sha256": "0" * 64}
    document = {
        "job": "ns/job",
        "uid": "u",
        "publishedAt": "2026-01-02T03:04:05Z",
        "outputs": True,
        "skipped": [],
        "results": [{**result, **changes}],
    }
    return json.dumps(document).encode()


def memory(**objects: bytes) -> MemoryStore:
    store = MemoryStore()
    store.objects = {f"p/{key.replace('__', '/')}": content for key, content in objects.items()}
    store.objects["p/manifest.json"] = store.objects.pop("p/manifest")
    return store


@pytest.mark.parametrize("filename", ["../escaped", "/tmp/escaped", "a/../../escaped", ".."])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, filename: str) -> None:
    folder = tmp_path / "results"
    store = memory(manifest=manifest(filename=filename), outputs__a=b"x")
    with pytest.raises(Corrupt):
        results.fetch_all(store, "p", folder, nothing)
    assert list(tmp_path.iterdir()) in ([], [folder])


def test_other_content_than_published_gets_no_name(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match="a is not what was published"):
        results.fetch_all(memory(manifest=manifest(), outputs__a=b"x"), "p", tmp_path, nothing)
    assert not (tmp_path / "outputs/a").exists()


def test_another_manifest_than_the_job_wrote(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match="not the one"):
        results.read_manifest(memory(manifest=manifest()), "p", "0" * 64)


def test_a_manifest_that_can_not_be_understood() -> None:
    with pytest.raises(Corrupt, match="understood"):
        results.read_manifest(memory(manifest=b"{"), "p")
