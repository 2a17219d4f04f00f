"""ComputeEnvironment: what a data owner offers, and the rules under which it is used.

A snapshot of it is kept in every job's status, so a field that only a newer version knows must not make it unreadable;
in a ComputeEnvironment itself the API server refuses unknown fields.
"""

import enum
from typing import Annotated, Any

import pydantic

from c2d.api.model import Observed

GROUP = "c2d.oceanprotocol.com"
VERSION = "v1alpha1"

Quantity = Annotated[str, pydantic.Field(max_length=32, pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
Name = Annotated[str, pydantic.Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Seconds = Annotated[int, pydantic.Field(ge=1, le=31_536_000)]


class Resources(Observed):
    """What one job gets: requests equal limits, so a job never lives on another's share."""

    cpu: Quantity = pydantic.Field("1", description="CPUs of the algorithm container, for example 2 or 500m.")
    cpu_type: str = pydantic.Field("", max_length=128, description="The kind of CPU, shown to consumers.")
    memory: Quantity = pydantic.Field("1Gi", description="Memory of the algorithm container; above it is killed.")
    disk: Quantity = pydantic.Field("1Gi", description="Size of the job's volume: inputs, outputs and logs.")
    scratch: Quantity = pydantic.Field("1Gi", description="Size of /tmp, which is also HOME, in the algorithm pod.")
    gpu: Annotated[int, pydantic.Field(ge=0, le=64)] = pydantic.Field(0, description="GPUs of the algorithm container.")
    gpu_type: str = pydantic.Field("", max_length=128, description="The kind of GPU, shown to consumers.")
    gpu_resource: str = pydantic.Field(
        "nvidia.com/gpu", max_length=128, description="The extended resource that stands for one GPU."
    )


class GateMode(enum.StrEnum):
    REQUIRED = "Required"
    OFF = "Off"


class Isolation(Observed):
    """How the algorithm is kept from the network, and how that is proven before it runs."""

    gate: GateMode = pydantic.Field(
        GateMode.REQUIRED,
        description="Required: the algorithm starts only after every probe has failed from inside its pod.",
    )
    probes: list[
        Annotated[str, pydantic.Field(max_length=128, pattern=r"^(tcp|dns)://([0-9.]+|\[[0-9a-fA-F:]+\]):[0-9]+$")]
    ] = pydantic.Field(
        default_factory=list,
        max_length=16,
        description="Addresses that must be out of reach, as tcp://ip:port or dns://ip:port; each must be one that "
        "listens. Empty: the API server, the cluster's DNS and the engine itself.",
    )
    timeout_seconds: Annotated[int, pydantic.Field(ge=3, le=600)] = pydantic.Field(
        30, description="How long the gate waits for the network policy to bite before the job fails."
    )


class Toleration(Observed):
    """A toleration as Kubernetes knows it."""

    key: str = pydantic.Field("", max_length=317, description="The taint's key; empty with Exists means every taint.")
    operator: str = pydantic.Field("Equal", pattern="^(Equal|Exists)$", description="Equal or Exists.")
    value: str = pydantic.Field("", max_length=63, description="The taint's value, for Equal.")
    effect: str = pydantic.Field(
        "",
        pattern="^(|NoSchedule|PreferNoSchedule|NoExecute)$",
        description="The effect; empty means every effect.",
    )


class PullPolicy(enum.StrEnum):
    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class PodSettings(Observed):
    """Where and how the job's pods run."""

    runtime_class_name: Name | None = pydantic.Field(
        None,
        description="RuntimeClass of the algorithm pod, for example gVisor, Kata or one without a network.",
    )
    node_selector: dict[str, str] = pydantic.Field(
        default_factory=dict, description="Labels that a node needs to take this environment's pods."
    )
    tolerations: list[Toleration] = pydantic.Field(
        default_factory=list, max_length=32, description="Taints that this environment's pods tolerate."
    )
    image_pull_secrets: list[Name] = pydantic.Field(
        default_factory=list, max_length=16, description="Names of Secrets with registry credentials."
    )
    image_pull_policy: PullPolicy = pydantic.Field(
        PullPolicy.IF_NOT_PRESENT, description="When the algorithm's image is pulled."
    )
    run_as_user: Annotated[int, pydantic.Field(ge=1, le=2_147_483_647)] = pydantic.Field(
        10001, description="The user that every container of a job runs as; never root."
    )


class VolumeSettings(Observed):
    """The job's volume."""

    storage_class_name: Name | None = pydantic.Field(
        None, description="StorageClass of the job's volume; unset: the cluster's default."
    )


class Encryption(enum.StrEnum):
    AES256 = "AES256"
    KMS = "aws:kms"


def _key_for_kms() -> dict[str, Any]:
    rule = "!has(self.kmsKeyId) || (has(self.serverSideEncryption) && self.serverSideEncryption == 'aws:kms')"
    return {"x-kubernetes-validations": [{"rule": rule, "message": _KEY_FOR_KMS}]}


_KEY_FOR_KMS = "kmsKeyId needs serverSideEncryption: aws:kms"


class S3Target(Observed):
    """Where results go: any server that speaks S3."""

    model_config = pydantic.ConfigDict(json_schema_extra=_key_for_kms())

    endpoint: str | None = pydantic.Field(
        None, max_length=512, pattern="^https?://", description="URL of the S3 API; unset: AWS."
    )
    region: str = pydantic.Field("us-east-1", max_length=64, description="The bucket's region.")
    bucket: str = pydantic.Field(
        min_length=3, max_length=63, description="A private bucket that the publish pod may write to."
    )
    prefix: str = pydantic.Field("", max_length=256, description="Put before every object's key.")
    credentials_secret_name: Name | None = pydantic.Field(
        None,
        description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; unset: the pod's workload identity.",
    )
    service_account_name: Name | None = pydantic.Field(
        None,
        description="Service account of the publish pod, whose workload identity may write to the bucket; "
        "unset: the namespace's default one. No other pod of a job has it.",
    )
    server_side_encryption: Encryption | None = pydantic.Field(
        None, description="How the server encrypts each object, AES256 or aws:kms; unset: as the bucket says."
    )
    kms_key_id: str | None = pydantic.Field(
        None,
        min_length=1,
        max_length=2048,
        pattern="^[A-Za-z0-9:/_.-]+$",
        description="The key for aws:kms, its ID or ARN; unset: the one of AWS for S3.",
    )

    @pydantic.model_validator(mode="after")
    def _key_only_for_kms(self) -> "S3Target":
        if self.kms_key_id is not None and self.server_side_encryption is not Encryption.KMS:
            raise ValueError(_KEY_FOR_KMS)
        return self


class IpfsTarget(Observed):
    """Where results go: a node of IPFS. Whoever learns a CID can read what it names."""

    api_url: str = pydantic.Field(
        max_length=512, pattern="^https?://", description="URL of the node's RPC API, as the publish pod reaches it."
    )
    headers_secret_name: Name | None = pydantic.Field(
        None, description="Secret whose keys are headers for each request, for example X-API-KEY and CLIENT-ID."
    )
    prefix: str = pydantic.Field(
        "",
        max_length=256,
        pattern="^[A-Za-z0-9._-]*$",
        description="Put before the name that a job's folder is pinned by.",
    )


class VolumeTarget(Observed):
    """Where results stay: on the job's own volume, without its inputs, for as long as there is the job."""

    idle_seconds: Annotated[int, pydantic.Field(ge=60, le=86_400)] = pydantic.Field(
        600, description="How long the pod that reads the volume stays after results were last asked for."
    )


_ONE_TARGET = "exactly one of s3, ipfs, volume is required"


def _one_target() -> dict[str, Any]:
    rule = "(has(self.s3) ? 1 : 0) + (has(self.ipfs) ? 1 : 0) + (has(self.volume) ? 1 : 0) == 1"
    return {"x-kubernetes-validations": [{"rule": rule, "message": _ONE_TARGET}]}


class Results(Observed):
    """Where the results of this environment's jobs go: exactly one of these."""

    model_config = pydantic.ConfigDict(json_schema_extra=_one_target())

    s3: S3Target | None = pydantic.Field(None, description="An S3 bucket.")
    ipfs: IpfsTarget | None = pydantic.Field(None, description="A node of IPFS.")
    volume: VolumeTarget | None = pydantic.Field(None, description="The job's own volume, without object storage.")

    @pydantic.model_validator(mode="after")
    def _one(self) -> "Results":
        if sum(place is not None for place in (self.s3, self.ipfs, self.volume)) != 1:
            raise ValueError(_ONE_TARGET)
        return self

    @property
    def target(self) -> S3Target | IpfsTarget | VolumeTarget:
        """That one."""
        found = self.s3 or self.ipfs or self.volume
        if found is None:
            raise AssertionError(_ONE_TARGET)
        return found


class ResultsAssets(Observed):
    """How results become assets of the Ocean network, for jobs that ask for it."""

    chain_id: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        description="The chain that they are published on: one of the operator's chains."
    )
    provider_url: str = pydantic.Field(
        max_length=512,
        pattern="^https?://",
        description="The Provider that encrypts them and hands out their files, as everybody reaches it.",
    )
    files_url: str | None = pydantic.Field(
        None,
        max_length=512,
        pattern="^https?://",
        description="What stands for the bucket in URLs under which that Provider reads results in S3; it is only "
        "shown encrypted. Not needed for IPFS.",
    )


class Assets(Observed):
    """How inputs and algorithms are fetched."""

    allow_private_addresses: bool = pydantic.Field(
        False,
        description="Whether URLs may lead to private addresses, such as those of the cluster itself. The clouds' "
        "metadata services and other link-local addresses are refused in any case.",
    )
    allow_volumes: bool = pydantic.Field(
        False, description="Whether jobs may mount PersistentVolumeClaims of this namespace as inputs."
    )
    max_file_bytes: Annotated[int, pydantic.Field(ge=1)] | None = pydantic.Field(
        None, description="The most that one file may have; unset: what the volume holds."
    )
    ipfs_gateway: str = pydantic.Field(
        "https://ipfs.io", max_length=512, pattern="^https?://", description="Gateway for files on IPFS."
    )
    arweave_gateway: str = pydantic.Field(
        "https://arweave.net", max_length=512, pattern="^https?://", description="Gateway for files on Arweave."
    )


class Timeouts(Observed):
    """Clocks other than the run's own; each in seconds, each survives a restart of the engine."""

    queue_seconds: Seconds = pydantic.Field(86_400, description="How long a job may wait for a place.")
    pending_seconds: Seconds = pydantic.Field(600, description="How long a pod may wait for a node and its volume.")
    image_pull_seconds: Seconds = pydantic.Field(
        120, description="How long pulling an image may go on failing before the job fails."
    )
    configure_seconds: Seconds = pydantic.Field(3_600, description="How long the configure pod may run.")
    publish_seconds: Seconds = pydantic.Field(3_600, description="How long the publish pod may run.")
    asset_seconds: Seconds = pydantic.Field(
        1_800, description="How long publishing the results as an asset may take; the job then ends without it."
    )


class EnvironmentSpec(Observed):
    """What a ComputeEnvironment offers and demands."""

    description: str = pydantic.Field("", max_length=1024, description="Shown to consumers.")
    resources: Resources = pydantic.Field(default_factory=Resources, description="What one job gets.")
    price_per_minute: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        0, description="Price of a minute, shown to consumers."
    )
    max_jobs: Annotated[int, pydantic.Field(ge=0, le=100_000)] = pydantic.Field(
        10, description="How many jobs may run at a time; more wait. 0 drains the environment."
    )
    max_job_duration_seconds: Seconds = pydantic.Field(3_600, description="How long an algorithm may run.")
    min_job_duration_seconds: Annotated[int, pydantic.Field(ge=0, le=31_536_000)] = pydantic.Field(
        60, description="How long it may run at least, even when its order arrives at the end of its budget."
    )
    allowed_chain_ids: list[Annotated[int, pydantic.Field(ge=0)]] = pydantic.Field(
        default_factory=list, max_length=64, description="Chains whose orders are served; empty: all."
    )
    allowed_images: list[Annotated[str, pydantic.Field(max_length=512)]] = pydantic.Field(
        default_factory=list,
        max_length=256,
        description="Algorithm images that may run, with * for any characters, as in example.com/acme/*; empty: all.",
    )
    isolation: Isolation = pydantic.Field(
        default_factory=Isolation, description="How the algorithm is kept from the network."
    )
    pod: PodSettings = pydantic.Field(default_factory=PodSettings, description="Where and how the pods run.")
    volume: VolumeSettings = pydantic.Field(default_factory=VolumeSettings, description="The job's volume.")
    results: Results = pydantic.Field(description="Where results go.")
    results_assets: ResultsAssets | None = pydantic.Field(
        None, description="How results become assets of the Ocean network, for jobs that ask for it; unset: never."
    )
    storage_expiry_seconds: Annotated[int, pydantic.Field(ge=0, le=315_360_000)] = pydantic.Field(
        0, description="How long results are kept after a job's end; 0: until they are removed."
    )
    assets: Assets = pydantic.Field(default_factory=Assets, description="How inputs and algorithms are fetched.")
    timeouts: Timeouts = pydantic.Field(default_factory=Timeouts, description="Clocks other than the algorithm's own.")


class EnvironmentStatus(Observed):
    """What the engine sees of this environment."""

    observed_generation: int = pydantic.Field(0, description="The generation that the numbers belong to.")
    running: int = pydantic.Field(0, description="Jobs that take a place.")
    queued: int = pydantic.Field(0, description="Jobs that wait for a place.")
    ready: bool = pydantic.Field(False, description="Whether a job would be accepted.")
    consumer_address: str = pydantic.Field(
        "", description="Address of the operator's key, for which consumers order the assets of a job."
    )
