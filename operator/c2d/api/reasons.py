"""Why a job ended or waits: a closed list, each reason with one line for the person who has to act on it."""

import enum
from dataclasses import dataclass

from c2d.api.phases import Phase


class Reason(enum.StrEnum):
    SUCCEEDED = "Succeeded"
    ENVIRONMENT_UNKNOWN = "EnvironmentUnknown"
    INVALID_SPEC = "InvalidSpec"
    IMAGE_NOT_ALLOWED = "ImageNotAllowed"
    CHAIN_NOT_ALLOWED = "ChainNotAllowed"
    AGREEMENT_IN_USE = "AgreementInUse"
    QUEUE_TIMEOUT = "QueueTimeout"
    INPUT_DOWNLOAD_FAILED = "InputDownloadFailed"
    ALGORITHM_DOWNLOAD_FAILED = "AlgorithmDownloadFailed"
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    ALGORITHM_CHECKSUM_MISMATCH = "AlgorithmChecksumMismatch"
    ALGORITHM_NOT_TRUSTED = "AlgorithmNotTrusted"
    CONFIGURE_FAILED = "ConfigureFailed"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    PENDING_TIMEOUT = "PendingTimeout"
    POD_REJECTED = "PodRejected"
    ISOLATION_NOT_ENFORCED = "IsolationNotEnforced"
    RUNNER_FAILED = "RunnerFailed"
    ALGORITHM_NOT_EXECUTABLE = "AlgorithmNotExecutable"
    ALGORITHM_OOM_KILLED = "AlgorithmOOMKilled"
    ALGORITHM_FAILED = "AlgorithmFailed"
    DISK_FULL = "DiskFull"
    POD_EVICTED = "PodEvicted"
    NODE_LOST = "NodeLost"
    POD_DELETED = "PodDeleted"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    PUBLISH_FAILED = "PublishFailed"
    STOPPED = "Stopped"


@dataclass(frozen=True)
class Ending:
    """How a job with this reason ends: its phase, its Ocean code, and a hint for a human."""

    phase: Phase
    hint: str
    code: int = 70


# The two failures that Ocean clients know by a code of their own.
PROVISIONING_TEXTS = {31: "Data provisioning failed", 32: "Algorithm provisioning failed"}

ENDINGS: dict[Reason, Ending] = {
    Reason.SUCCEEDED: Ending(Phase.SUCCEEDED, ""),
    Reason.ENVIRONMENT_UNKNOWN: Ending(
        Phase.FAILED, "Name a ComputeEnvironment of this namespace: kubectl get computeenvironments."
    ),
    Reason.INVALID_SPEC: Ending(Phase.FAILED, "Correct the field that the message names and submit a new job."),
    Reason.IMAGE_NOT_ALLOWED: Ending(
        Phase.FAILED, "Use an image that the environment's allowedImages admits, or ask the data owner.", 32
    ),
    Reason.CHAIN_NOT_ALLOWED: Ending(Phase.FAILED, "The environment serves other chains; see its allowedChainIds."),
    Reason.AGREEMENT_IN_USE: Ending(
        Phase.FAILED, "Another unfinished job has this agreement; wait for its end, or order once more."
    ),
    Reason.QUEUE_TIMEOUT: Ending(Phase.FAILED, "The environment was full for too long; submit the job again later."),
    Reason.INPUT_DOWNLOAD_FAILED: Ending(
        Phase.FAILED,
        "Check that the input's URL answers from inside the cluster; configure.log has the details.",
        31,
    ),
    Reason.ALGORITHM_DOWNLOAD_FAILED: Ending(
        Phase.FAILED, "Check that the algorithm's URL answers from inside the cluster; see configure.log.", 32
    ),
    Reason.CHECKSUM_MISMATCH: Ending(
        Phase.FAILED, "The input is not the file it was declared to be; correct its sha256 or its source.", 31
    ),
    Reason.ALGORITHM_CHECKSUM_MISMATCH: Ending(
        Phase.FAILED,
        "The algorithm is not the file it was declared to be; correct its sha256 or its source.",
        32,
    ),
    Reason.ALGORITHM_NOT_TRUSTED: Ending(
        Phase.FAILED,
        "The publisher of a dataset doesn't let this algorithm near it; use one that its DDO trusts, as it was "
        "published, or ask the publisher.",
        32,
    ),
    Reason.CONFIGURE_FAILED: Ending(Phase.FAILED, "The configure pod broke; its log tells where.", 31),
    Reason.IMAGE_PULL_FAILED: Ending(
        Phase.FAILED, "Check the image's name, tag and registry, and the environment's imagePullSecrets.", 32
    ),
    Reason.PENDING_TIMEOUT: Ending(
        Phase.FAILED,
        "No node could take the pod in time, or a volume or Secret that it needs is missing; kubectl describe tells.",
    ),
    Reason.POD_REJECTED: Ending(
        Phase.FAILED, "The cluster refused the pod; the message names the policy, the quota or the field."
    ),
    Reason.ISOLATION_NOT_ENFORCED: Ending(
        Phase.FAILED,
        "The algorithm never ran: its pod could reach the network. Use a network plugin that enforces "
        "NetworkPolicy, or a runtimeClassName without a network.",
    ),
    Reason.RUNNER_FAILED: Ending(
        Phase.FAILED,
        "The runner, which starts the algorithm, could not be set up; the message names the setting. "
        "The data owner should look at the environment's isolation section.",
    ),
    Reason.ALGORITHM_NOT_EXECUTABLE: Ending(
        Phase.FAILED, "Check the container's entrypoint against what is in the image."
    ),
    Reason.ALGORITHM_OOM_KILLED: Ending(
        Phase.FAILED,
        "The algorithm wanted more memory than the environment gives; use less or a larger environment.",
    ),
    Reason.ALGORITHM_FAILED: Ending(Phase.FAILED, "The algorithm ended with an error of its own; read algorithm.log."),
    Reason.DISK_FULL: Ending(Phase.FAILED, "Inputs and outputs are larger than the environment's disk."),
    Reason.POD_EVICTED: Ending(Phase.FAILED, "The node evicted the pod, mostly for disk or memory pressure."),
    Reason.NODE_LOST: Ending(Phase.FAILED, "The node went away while the pod was on it."),
    Reason.POD_DELETED: Ending(Phase.FAILED, "Somebody deleted the pod while it ran."),
    Reason.DEADLINE_EXCEEDED: Ending(
        Phase.TIMED_OUT, "The algorithm ran longer than the job's budget; buy more time or do less."
    ),
    Reason.PUBLISH_FAILED: Ending(
        Phase.FAILED,
        "The results could not be stored; check the environment's results section and publish.log.",
    ),
    Reason.STOPPED: Ending(Phase.STOPPED, ""),
}


class AssetReason(enum.StrEnum):
    """Why results did not become an asset, or not yet. None of these ever fails a job."""

    NO_OUTPUTS = "NoOutputs"
    TOO_MANY_OUTPUTS = "TooManyOutputs"
    NAME_TOO_LONG = "NameTooLong"
    CHAIN_UNREACHABLE = "ChainUnreachable"
    WRONG_CHAIN = "WrongChain"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    FEES_TOO_HIGH = "FeesTooHigh"
    TRANSACTION_REFUSED = "TransactionRefused"
    TRANSACTION_REVERTED = "TransactionReverted"
    PROVIDER_UNREACHABLE = "ProviderUnreachable"
    PROVIDER_REFUSED = "ProviderRefused"
    DDO_TOO_LARGE = "DdoTooLarge"
    TIMED_OUT = "TimedOut"
    STOPPED = "Stopped"


ASSET_HINTS: dict[AssetReason, str] = {
    AssetReason.NO_OUTPUTS: "The algorithm wrote no outputs, and logs are never published as an asset.",
    AssetReason.TOO_MANY_OUTPUTS: "Only results that the job's status lists become an asset: write fewer files, or one "
    "archive of them.",
    AssetReason.NAME_TOO_LONG: "An output's name is too long for a key of its own; give it a shorter one.",
    AssetReason.CHAIN_UNREACHABLE: "The engine can't reach the chain's RPC, or it answers nonsense; see the engine's "
    "log and operator.chains.",
    AssetReason.WRONG_CHAIN: "The RPC serves another chain, or has no ERC721Factory at that address; correct "
    "operator.chains.",
    AssetReason.INSUFFICIENT_FUNDS: "The operator's account can't pay for the transactions; send it funds.",
    AssetReason.FEES_TOO_HIGH: "The chain's fees are above maxFeeGwei of operator.chains; wait, or raise it.",
    AssetReason.TRANSACTION_REFUSED: "The chain's node took no transaction; the message has its answer.",
    AssetReason.TRANSACTION_REVERTED: "A contract refused; check the address of the ERC721Factory in operator.chains.",
    AssetReason.PROVIDER_UNREACHABLE: "The engine can't reach the Provider that is to encrypt the asset; see "
    "resultsAssets.providerUrl.",
    AssetReason.PROVIDER_REFUSED: "The Provider would not encrypt; it must serve the chain of resultsAssets.",
    AssetReason.DDO_TOO_LARGE: "The encrypted DDO doesn't fit a transaction; write fewer files, or shorter names.",
    AssetReason.TIMED_OUT: "It was not done in timeouts.assetSeconds.",
    AssetReason.STOPPED: "The job was stopped while its asset was being published.",
}
