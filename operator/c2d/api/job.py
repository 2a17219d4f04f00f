"""ComputeJob: what was asked (spec) and what was observed (status)."""

import enum
from typing import Annotated, Any

import pydantic

from c2d.api.environment import GROUP, EnvironmentSpec, Name
from c2d.api.model import Model, Observed, Time
from c2d.api.phases import Phase
from c2d.api.reasons import AssetReason, Reason

Sha256 = Annotated[str, pydantic.Field(pattern="^[0-9a-f]{64}$")]
# A DID, or any name when there is none; it becomes a folder, so no slash and no leading dot.
AssetId = Annotated[
    str, pydantic.Field(min_length=1, max_length=128, pattern=r"^(did:op:)?[A-Za-z0-9_][A-Za-z0-9._-]*$")
]
HexId = Annotated[str, pydantic.Field(max_length=256)]

# An annotation of a job: when its results were deleted, because it was asked for or their time was over.
RESULTS_REMOVED = f"{GROUP}/results-removed"

INLINE_LIMIT = 262_144  # characters
# A ConfigMap of 1 MiB carries both, together with the rest of the plan.
INLINE_BYTES = 524_288
CUSTOM_DATA_BYTES = 65_536


def exactly_one_of(*fields: str) -> dict[str, Any]:
    """A CEL rule for the API server, which says the same as `require_one` says here."""
    rule = " + ".join(f"(has(self.{field}) ? 1 : 0)" for field in fields)
    return {
        "x-kubernetes-validations": [
            {"rule": f"{rule} == 1", "message": f"exactly one of {', '.join(fields)} is required"}
        ]
    }


def require_one(model: pydantic.BaseModel, *fields: str) -> None:
    if sum(getattr(model, field) is not None for field in fields) != 1:
        raise ValueError(f"exactly one of {', '.join(fields)} is required")


class SecretKey(Model):
    """One key of a Secret in the job's namespace."""

    name: Name = pydantic.Field(description="The Secret's name.")
    key: str = pydantic.Field(
        min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$", description="The key in the Secret."
    )


class Private(Model):
    """A text that stays out of the ComputeJob."""

    secret_key_ref: SecretKey = pydantic.Field(description="The Secret's key that holds it.")


class IpfsFile(Model):
    """A file on IPFS, fetched through the environment's gateway."""

    cid: str = pydantic.Field(
        min_length=1,
        max_length=512,
        pattern=r"^[A-Za-z0-9]+(/[^\s?#]+)?$",
        description="Its content identifier, and a path below it where it is a folder's.",
    )


class ArweaveFile(Model):
    """A file on Arweave, fetched through the environment's gateway."""

    transaction_id: str = pydantic.Field(
        pattern="^[A-Za-z0-9_-]{43}$", description="The transaction that has the file, 43 characters."
    )


class S3File(Model):
    """An object in a bucket."""

    endpoint: str | None = pydantic.Field(
        None, max_length=512, pattern="^https?://", description="URL of the S3 API; unset: AWS."
    )
    region: str = pydantic.Field("us-east-1", max_length=64, description="The bucket's region.")
    bucket: str = pydantic.Field(min_length=3, max_length=63, description="The bucket.")
    key: str = pydantic.Field(min_length=1, max_length=1024, description="The object's key.")
    credentials_secret_name: Name | None = pydantic.Field(
        None, description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; unset: read without credentials."
    )


class Method(enum.StrEnum):
    GET = "GET"
    POST = "POST"


_FILE_SOURCES = ("url", "urlFrom", "contentFrom", "ipfs", "arweave", "s3")


class File(Model):
    """One file: behind a URL, on IPFS, Arweave or S3, or kept in a Secret."""

    model_config = pydantic.ConfigDict(json_schema_extra=exactly_one_of(*_FILE_SOURCES))

    url: Annotated[str, pydantic.Field(max_length=4096, pattern="^https?://")] | None = pydantic.Field(
        None, description="An http or https URL that answers from inside the cluster."
    )
    url_from: Private | None = pydantic.Field(None, description="Where the URL is, when it must not be seen here.")
    content_from: Private | None = pydantic.Field(None, description="Where the file's content is, when it is small.")
    ipfs: IpfsFile | None = pydantic.Field(None, description="A file on IPFS.")
    arweave: ArweaveFile | None = pydantic.Field(None, description="A file on Arweave.")
    s3: S3File | None = pydantic.Field(None, description="An object in a bucket.")
    method: Method = pydantic.Field(Method.GET, description="How a URL is asked.")
    headers_from: Private | None = pydantic.Field(
        None, description="Where the headers for a URL are, as a JSON object of texts."
    )
    sha256: Sha256 | None = pydantic.Field(None, description="Checked after the download when given; lower-case hex.")

    @pydantic.model_validator(mode="after")
    def _one_source(self) -> "File":
        require_one(self, "url", "url_from", "content_from", "ipfs", "arweave", "s3")
        return self


class Service(Model):
    """Files that the asset's Provider hands out against an order."""

    service_id: str = pydantic.Field(
        min_length=1, max_length=256, description="The service, as the asset's DDO has it."
    )
    transfer_tx_id: str = pydantic.Field(min_length=1, max_length=256, description="The order's transaction.")
    metadata_uri: Annotated[str, pydantic.Field(max_length=4096, pattern="^(https?://.*)?$")] = pydantic.Field(
        "", description="The Aquarius that knows the asset; empty: the operator's own choice."
    )
    user_data_from: Private | None = pydantic.Field(
        None, description="Where the consumer's parameters for the service are, as JSON."
    )


class VolumeInput(Model):
    """Data that is too large to copy: a volume of the data owner's, mounted read-only."""

    claim_name: Name = pydantic.Field(description="The PersistentVolumeClaim, of the job's namespace.")
    path: str = pydantic.Field(
        "", max_length=1024, pattern=r"^([^/.][^/]*(/[^/.][^/]*)*)?$", description="A folder in it; empty: all of it."
    )


class Input(Model):
    """A dataset."""

    model_config = pydantic.ConfigDict(json_schema_extra=exactly_one_of("files", "service", "volume"))

    id: AssetId = pydantic.Field(
        description="The dataset's DID, or any name; names its folder, without did:op:, under /data/inputs."
    )
    files: Annotated[list[File], pydantic.Field(min_length=1, max_length=64)] | None = pydantic.Field(
        None, description="Its files; the first becomes …/0, the next …/1, and so on."
    )
    service: Service | None = pydantic.Field(None, description="The order under which its Provider hands them out.")
    volume: VolumeInput | None = pydantic.Field(
        None, description="A volume that becomes the input's folder; for environments that allow it."
    )

    @pydantic.model_validator(mode="after")
    def _one_source(self) -> "Input":
        require_one(self, "files", "service", "volume")
        return self


class Source(Model):
    """The algorithm's code."""

    model_config = pydantic.ConfigDict(json_schema_extra=exactly_one_of("inline", "files", "service"))

    inline: Annotated[str, pydantic.Field(min_length=1, max_length=INLINE_LIMIT)] | None = pydantic.Field(
        None, description="The code itself."
    )
    files: Annotated[list[File], pydantic.Field(min_length=1, max_length=16)] | None = pydantic.Field(
        None, description="Files to fetch; the first becomes …/algorithm, the next …/algorithm1, and so on."
    )
    service: Service | None = pydantic.Field(None, description="The order under which its Provider hands it out.")

    @pydantic.model_validator(mode="after")
    def _one_source(self) -> "Source":
        require_one(self, "inline", "files", "service")
        return self


class Container(Model):
    """The image that the algorithm runs in, and how it is started."""

    image: str = pydantic.Field(
        min_length=1, max_length=512, pattern=r"^[^\s@]+$", description="The image without tag and digest."
    )
    tag: str = pydantic.Field(
        "",
        max_length=128,
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="The image's tag; not needed with a checksum.",
    )
    checksum: str = pydantic.Field(
        "", pattern="^(sha256:[0-9a-f]{64})?$", description="The image's digest; pins exactly one image."
    )
    entrypoint: str = pydantic.Field(
        "",
        max_length=4096,
        description="The command; $ALGO stands for the algorithm's file. Empty: the file itself is executed.",
    )

    @property
    def reference(self) -> str:
        """`image[:tag][@sha256:…]`, as a pod names it."""
        tagged = f"{self.image}:{self.tag}" if self.tag else self.image
        return f"{tagged}@{self.checksum}" if self.checksum else tagged


class EnvironmentVariable(Model):
    """One extra environment variable of the algorithm."""

    name: str = pydantic.Field(
        min_length=1,
        max_length=128,
        pattern="^[A-Za-z_][A-Za-z0-9_]*$",
        description="Its name; ours win over it.",
    )
    value: str = pydantic.Field("", max_length=4096, description="Its value.")


class Algorithm(Model):
    """What computes."""

    id: Annotated[str, pydantic.Field(max_length=128, pattern=r"^((did:op:)?[A-Za-z0-9_][A-Za-z0-9._-]*)?$")] = (
        pydantic.Field("", description="The algorithm's DID, if it is an asset.")
    )
    source: Source = pydantic.Field(description="Its code.")
    container: Container = pydantic.Field(description="The image that it runs in.")
    custom_data: Any = pydantic.Field(
        None,
        description="Parameters of this run, any JSON; found in /data/inputs/algoCustomData.json.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )
    custom_data_from: Private | None = pydantic.Field(
        None, description="Where the parameters are, as JSON, when they must not be seen here; wins over customData."
    )
    env: list[EnvironmentVariable] = pydantic.Field(
        default_factory=list, max_length=64, description="Extra environment variables."
    )


class ResultsAsset(Model):
    """What the asset tells of itself that the job's results become."""

    name: str = pydantic.Field("", max_length=256, description="Its name; empty: it names the job.")
    description: str = pydantic.Field("", max_length=4096, description="What it is; empty: the results of the job.")
    author: str = pydantic.Field("", max_length=256, description="Who made it; empty: the job's owner.")
    license: str = pydantic.Field("", max_length=256, description="Its license; empty: No License Specified.")


_FIXED = ("environment", "owner", "agreementId", "chainId", "validUntil", "inputs", "algorithm", "resultsAsset")
_SPEC_RULES: Any = [
    *(
        {
            "rule": f"has(self.{field}) == has(oldSelf.{field}) && "
            f"(!has(self.{field}) || self.{field} == oldSelf.{field})",
            "message": f"{field} can't be changed once the job exists; submit a new job",
        }
        for field in _FIXED
    ),
    {
        "rule": "!(has(oldSelf.stop) && oldSelf.stop) || (has(self.stop) && self.stop)",
        "message": "a stop can't be taken back; submit a new job",
    },
    {
        "rule": "!(has(oldSelf.remove) && oldSelf.remove) || (has(self.remove) && self.remove)",
        "message": "a removal can't be taken back",
    },
]


class JobSpec(Model):
    """What was asked. Everything but stop, remove and ttlSecondsAfterFinished is fixed once the job exists."""

    model_config = pydantic.ConfigDict(json_schema_extra={"x-kubernetes-validations": _SPEC_RULES})

    environment: Name = pydantic.Field("default", description="The ComputeEnvironment, of the same namespace.")
    owner: HexId = pydantic.Field("", description="The consumer's address; not needed from kubectl.")
    agreement_id: HexId = pydantic.Field("", description="The agreement that paid for this run.")
    chain_id: Annotated[int, pydantic.Field(ge=0)] | None = pydantic.Field(
        None, description="The chain that the agreement is on."
    )
    valid_until: Time | None = pydantic.Field(
        None,
        description="The end of the budget; the run's deadline is the sooner of it and the environment's.",
    )
    inputs: list[Input] = pydantic.Field(
        default_factory=list,
        max_length=64,
        description="The datasets.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    )
    algorithm: Algorithm = pydantic.Field(description="What computes.")
    results_asset: ResultsAsset | None = pydantic.Field(
        None,
        description="Publish the results as an asset of the Ocean network, which becomes the owner's; for environments "
        "with resultsAssets.",
    )
    stop: bool = pydantic.Field(False, description="Set it to stop the job; logs are still published.")
    remove: bool = pydantic.Field(
        False, description="Set it to have the finished job's results deleted; its record stays."
    )
    ttl_seconds_after_finished: Annotated[int, pydantic.Field(ge=0, le=31_536_000)] | None = pydantic.Field(
        None, description="When the finished job is deleted; unset: never."
    )


class Condition(Observed):
    """A condition as Kubernetes knows it."""

    type: str = pydantic.Field(max_length=64, description="What it tells of.")
    status: str = pydantic.Field(pattern="^(True|False|Unknown)$", description="True, False or Unknown.")
    reason: str = pydantic.Field("", max_length=128, description="One word of a closed list.")
    message: str = pydantic.Field("", max_length=1024, description="For a human.")
    last_transition_time: Time = pydantic.Field(description="When status last changed.")
    observed_generation: int = pydantic.Field(0, description="The generation that it was observed for.")


class StepProgress(Observed):
    """How far a transfer is. Written now and then only."""

    bytes: int = pydantic.Field(description="Bytes fetched or uploaded so far; what an earlier pod left counts.")
    total_bytes: int | None = pydantic.Field(None, description="Of so many; unset while some file's size isn't known.")
    files: int = pydantic.Field(0, description="Files that are complete.")
    total_files: int = pydantic.Field(0, description="Of so many, as far as they are known.")
    time: Time = pydantic.Field(description="When this was written.")


class StepStatus(Observed):
    """One of the job's pods: configure, algorithm or publish."""

    attempt: int = pydantic.Field(0, description="0 for the first pod, then counted up.")
    pod: str = pydantic.Field("", description="The pod of this attempt.")
    node: str = pydantic.Field("", description="The node that it ran on.")
    create_time: Time | None = pydantic.Field(None, description="When its pod was asked for.")
    retry_time: Time | None = pydantic.Field(None, description="Not before this is the next pod created.")
    start_time: Time | None = pydantic.Field(None, description="When its container started.")
    finish_time: Time | None = pydantic.Field(None, description="When its container ended.")
    exit_code: int | None = pydantic.Field(None, description="Its container's exit code.")
    signal: str | None = pydantic.Field(None, description="The signal that ended it.")
    reason: Reason | None = pydantic.Field(None, description="Why it failed.")
    message: str = pydantic.Field("", description="What failed, for a human.")
    image_id: str = pydantic.Field("", description="Digest of the image that ran.")
    bytes: int | None = pydantic.Field(None, description="Bytes fetched or published.")
    progress: StepProgress | None = pydantic.Field(
        None, description="How far configure or publish is; unset for the first ten seconds and after a success."
    )
    peak_memory_bytes: int | None = pydantic.Field(None, description="The most memory that it used.")


class Steps(Observed):
    """The job's pods, in the order that they run."""

    configure: StepStatus | None = pydantic.Field(None, description="Fetches and verifies inputs and algorithm.")
    algorithm: StepStatus | None = pydantic.Field(None, description="The consumer's image.")
    publish: StepStatus | None = pydantic.Field(None, description="Uploads results and logs.")


class Outcome(Observed):
    """How the job ends, decided before its logs are published."""

    phase: Phase = pydantic.Field(description="The phase that the job ends in.")
    reason: Reason = pydantic.Field(description="Why.")
    message: str = pydantic.Field("", description="What happened, for a human.")
    code: int = pydantic.Field(70, description="The Ocean code that the job ends with.")


class ResultEntry(Observed):
    """One result, as the API lists it."""

    filename: str = pydantic.Field(description="Relative to the outputs folder, or the log's name.")
    filesize: int = pydantic.Field(description="Bytes.")
    type: str = pydantic.Field(description="output, or which log.")


class ResultsStatus(Observed):
    """What was published."""

    location: str = pydantic.Field(description="Where everything is, for example s3://bucket/prefix.")
    manifest: str = pydantic.Field(description="The manifest's key: every result with size and sha256.")
    manifest_sha256: Sha256 = pydantic.Field(description="The manifest's own sha256.")
    removed_time: Time | None = pydantic.Field(
        None, description="When they were removed, if they were kept on the job's volume."
    )
    count: int = pydantic.Field(description="How many results there are, logs included.")
    bytes: int = pydantic.Field(description="How many bytes they have together.")
    files: list[ResultEntry] = pydantic.Field(
        default_factory=list,
        description="Every result in the manifest's order, if they are few; otherwise only the manifest has them.",
    )


class AssetStep(enum.StrEnum):
    """The transactions that make an asset, in their order."""

    CREATE = "Create"  # the data NFT and its datatoken, the operator's for now
    DESCRIBE = "Describe"  # the DDO, encrypted
    HAND_OVER = "HandOver"  # the NFT, to the owner of the job


class AssetTransaction(Observed):
    """A transaction, written down before it is sent: whoever goes on sends the same one."""

    nonce: int = pydantic.Field(description="Its number among those of the operator's account.")
    block: int = pydantic.Field(description="The chain's latest block when it was made: it is in none before.")
    hashes: list[str] = pydantic.Field(
        description="Its hash, and those it had with lower fees: at most one of them is ever mined."
    )
    raw: str = pydantic.Field(description="What is sent, as hex.")


class AssetState(enum.StrEnum):
    IN_PROGRESS = "InProgress"
    PUBLISHED = "Published"
    FAILED = "Failed"


class AssetStatus(Observed):
    """The asset that the results become."""

    state: AssetState = pydantic.Field(AssetState.IN_PROGRESS, description="How far it is.")
    chain_id: int = pydantic.Field(description="The chain that it is on.")
    start_time: Time = pydantic.Field(description="When its publication began.")
    step: AssetStep = pydantic.Field(AssetStep.CREATE, description="The transaction that comes next or is under way.")
    transaction: AssetTransaction | None = pydantic.Field(None, description="The one that is under way.")
    mined: list[str] = pydantic.Field(default_factory=list, description="Hashes of those that are mined.")
    nft_address: str = pydantic.Field("", description="The data NFT.")
    datatoken_address: str = pydantic.Field("", description="Its datatoken.")
    reason: AssetReason | None = pydantic.Field(None, description="Why it isn't there yet, or never will be.")
    message: str = pydantic.Field("", max_length=1024, description="What happened, for a human.")


class JobStatus(Observed):
    """What was observed. Written by the engine only."""

    observed_generation: int = pydantic.Field(0, description="The generation of the spec that this belongs to.")
    phase: Phase = pydantic.Field(Phase.PENDING, description="Where the job is.")
    code: int = pydantic.Field(1, description="The phase as the Ocean API numbers it.")
    text: str = pydantic.Field("", description="The phase as the Ocean API words it.")
    reason: Reason | None = pydantic.Field(None, description="Why the job waits or ended.")
    message: str = pydantic.Field("", description="What happened, for a human.")
    hint: str = pydantic.Field("", description="What to do about it.")
    progress: str | None = pydantic.Field(
        None, description="How far the transfer is that goes on now, for a human; unset when there is none."
    )
    conditions: list[Condition] = pydantic.Field(
        default_factory=list,
        description="Milestones.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    date_created: Time | None = pydantic.Field(None, description="When the job was first seen.")
    date_finished: Time | None = pydantic.Field(None, description="When it ended, however it ended.")
    duration: str = pydantic.Field("", description="From first seen to ended.")
    stop_request: int = pydantic.Field(0, description="0 none, 1 by a user, 2 by the clock.")
    resolved_environment: EnvironmentSpec | None = pydantic.Field(
        None, description="The environment as it was when the job was accepted; it holds for the whole run."
    )
    steps: Steps = pydantic.Field(default_factory=Steps, description="The job's pods.")
    outcome: Outcome | None = pydantic.Field(None, description="How the job will end, once its logs are published.")
    results: ResultsStatus | None = pydantic.Field(None, description="What was published.")
    asset: AssetStatus | None = pydantic.Field(None, description="The results as an asset of the Ocean network.")
    results_did: str = pydantic.Field("", description="The DID of that asset, as soon as it is the owner's.")
