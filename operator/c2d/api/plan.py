"""What the in-pod programs are told to do: a plan file each, so that they need no cluster and no database."""

from typing import Any

import pydantic

from c2d.api.environment import IpfsTarget, S3Target
from c2d.api.model import Model
from c2d.api.receipt import Facts

MOUNT = "/c2d/plan"
SECRETS = "/c2d/secrets"
CONFIGURE_FILE = "configure.json"
PUBLISH_FILE = "publish.json"
# A variable of the publish pod: `Facts`, which are not known yet when the plans are made.
FACTS = "C2D_RECEIPT"
ATTEMPTS = 4  # at most, of publishing a job: the first and its repetitions


def own_place(uid: str, attempt: int) -> str:
    """What only this attempt writes to: an earlier one may live on, on a node that lost contact."""
    return f"{uid}-{attempt}" if attempt else uid


class PlannedObject(Model):
    """An object in a bucket; the folder has AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as files."""

    endpoint: str | None = None
    region: str
    bucket: str
    key: str
    credentials: str | None = None  # None: without any


class PlannedFile(Model):
    """One file for the volume: its text, a file with its content, a URL, a file that holds the URL, or an object."""

    path: str  # below the volume's root
    text: str | None = None
    content_file: str | None = None
    url: str | None = None
    url_file: str | None = None
    s3: PlannedObject | None = None
    method: str = "GET"
    headers_file: str | None = None  # a JSON object of texts
    sha256: str | None = None


class PlannedAsset(Model):
    """An asset's service, whose files its Provider hands out against an order."""

    did: str
    path: str  # of its first file; an input's others count on, an algorithm's are algorithm1, algorithm2, …
    algorithm: bool = False
    service_id: str
    transfer_tx_id: str
    metadata_uri: str
    user_data_file: str | None = None  # JSON
    user_data: Any = pydantic.Field(None, repr=False)  # itself, for plans that stay in memory: it may be secret


class PlannedContainer(Model):
    """What a dataset's owner may have put on a list of trusted algorithms."""

    entrypoint: str
    checksum: str


class Signer(Model):
    """Who signs the downloads: the operator's key never enters a pod."""

    url: str  # POST {"did": …} gives {"nonce": …, "signature": …, "consumerAddress": …}
    token_file: str  # this pod's own token, for the engine's port only


class Listener(Model):
    """Who is told now and then how far the work is: the engine."""

    url: str  # POST of a c2d.api.progress.Progress
    token_file: str  # the same token as for the signer


SIGNER_AUDIENCE = "c2d-signer"
SIGNER_TOKEN = "/c2d/signer/token"  # noqa: S105 - where it is, not what it is


class ConfigurePlan(Model):
    """What `configure` puts on the volume."""

    job: str  # namespace/name, for the log
    inputs: list[PlannedFile]
    algorithm: list[PlannedFile]
    assets: list[PlannedAsset] = pydantic.Field(default_factory=list)
    algorithm_did: str = ""
    container: PlannedContainer | None = None
    signer: Signer | None = None  # where there are assets
    progress: Listener | None = None
    allow_private_addresses: bool = False
    max_file_bytes: int | None = None
    custom_data: Any = None
    custom_data_file: str | None = None  # a file that holds it, as JSON


class PublishPlan(Model):
    """Where `publish` puts what is on the volume."""

    job: str  # namespace/name
    uid: str
    agreement_id: str = ""
    attempt: int = pydantic.Field(0, exclude=True)  # the pods before this one; only its command line tells
    s3: S3Target | None = None
    ipfs: IpfsTarget | None = None
    volume: str | None = None  # the claim whose volume keeps the results: the one that publish works on
    receipt: Facts | None = None  # what the receipt tells of the job, from FACTS; without it there is no receipt
    signer: Signer | None = None  # of the receipt: POST {"sha256": …} gives {"address": …, "signature": …}
    progress: Listener | None = None

    @property
    def prefix(self) -> str:
        """The keys of all objects of this attempt begin with it; the UID keeps jobs of one name apart.

        On IPFS it is a single name, by which the service finds the job's folder again when it is to be removed.
        """
        return self._prefix(self.attempt)

    @property
    def earlier_prefixes(self) -> list[str]:
        """Those of the attempts before, of which none has succeeded."""
        return [self._prefix(attempt) for attempt in range(self.attempt)]

    def _prefix(self, attempt: int) -> str:
        place = own_place(self.uid, attempt)
        if self.ipfs is not None:
            return f"{self.ipfs.prefix}{place}"
        if self.volume is not None:
            return f"{self.volume}/{place}"
        namespace = self.job.split("/", 1)[0]
        before = self.s3.prefix.strip("/") if self.s3 is not None else ""
        return "/".join(part for part in (before, namespace, place) if part)
