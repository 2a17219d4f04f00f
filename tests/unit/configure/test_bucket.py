"""URLs for objects in buckets."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from c2d.api.plan import PlannedObject
from c2d.configure.bucket import Bucket
from c2d.configure.errors import DownloadFailed


def bucket(**fields: str | None) -> Bucket:
    return Bucket(PlannedObject.model_validate({"region": "eu-1", "bucket": "data", "key": "k"} | fields))


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({}, "https://data.s3.eu-1.amazonaws.com/a%20b/%C3%BC%2B%3F"),
        ({"bucket": "da.ta"}, "https://s3.eu-1.amazonaws.com/da.ta/a%20b/%C3%BC%2B%3F"),
        ({"endpoint": "https://s3.example:9000/"}, "https://s3.example:9000/data/a%20b/%C3%BC%2B%3F"),
    ],
)
def test_without_credentials_it_is_the_objects_own_url(fields: dict[str, str], url: str) -> None:
    assert bucket(**fields).sign("a b/ü+?") == url


def test_with_credentials_it_is_presigned_with_what_is_there_now(tmp_path: Path) -> None:
    found = bucket(endpoint="https://s3.example", credentials=str(tmp_path / "keys"))
    for name in ("first", "second"):
        (tmp_path / "keys").mkdir(exist_ok=True)
        (tmp_path / "keys" / "AWS_ACCESS_KEY_ID").write_text(name)
        (tmp_path / "keys" / "AWS_SECRET_ACCESS_KEY").write_text(f"secret of {name}")
        parts = urlsplit(found.sign("a b"))
        assert (parts.netloc, parts.path) == ("s3.example", "/data/a%20b")
        assert parse_qs(parts.query)["X-Amz-Credential"][0].startswith(f"{name}/")


def test_credentials_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="credentials for bucket 'data'"):
        bucket(endpoint="https://s3.example", credentials=str(tmp_path / "keys")).sign("k")


def test_boto3_is_loaded_for_presigned_urls_only() -> None:
    """It would double the time that the program needs to start."""
    code = "import sys, c2d.configure.fetch; sys.exit('botocore' in sys.modules)"
    path = str(Path(__file__).parents[3] / "operator")
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, check=False).returncode == 0
