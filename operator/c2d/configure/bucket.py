"""URLs for objects in buckets: presigned with the credentials that are there, or plain where there are none."""

import urllib.parse
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from c2d.api.environment import S3Target
from c2d.api.plan import PlannedObject
from c2d.configure.errors import DownloadFailed

if TYPE_CHECKING:
    from c2d.storage.presign import Clients


@dataclass(frozen=True)
class Bucket:
    """Where an object is, and with which credentials. Blocks, so only a thread should call it."""

    place: PlannedObject

    @property
    def name(self) -> str:
        return self.place.bucket

    @property
    def url(self) -> str:
        """Of the bucket. A name with a dot fits no certificate of AWS, so it goes into the path there."""
        if self.place.endpoint:
            return f"{self.place.endpoint.rstrip('/')}/{self.name}"
        host = f"s3.{self.place.region}.amazonaws.com"
        return f"https://{host}/{self.name}" if "." in self.name else f"https://{self.name}.{host}"

    def sign(self, key: str) -> str:
        """A URL that gets the object now. Raises DownloadFailed."""
        if self.place.credentials is None:
            return f"{self.url}/{urllib.parse.quote(key, safe='/~')}"
        from c2d.storage.errors import StorageError  # noqa: PLC0415 - as below

        try:
            return self._clients.sign(self._target, key).url
        except StorageError as error:
            # Its own words are for the service, which mounts Secrets in another way.
            raise DownloadFailed(f"the credentials for bucket {self.name!r} can't be used") from error

    @cached_property
    def _clients(self) -> "Clients":
        # botocore takes longer to load than this program to start, and most jobs have no need of it.
        from c2d.storage.presign import Clients  # noqa: PLC0415

        return Clients(Path(self.place.credentials or "").parent)

    @cached_property
    def _target(self) -> S3Target:
        secret = Path(self.place.credentials or "").name
        return S3Target.model_construct(
            endpoint=self.place.endpoint,
            region=self.place.region,
            bucket=self.name,
            credentials_secret_name=secret,
        )
