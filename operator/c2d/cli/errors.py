"""What can go wrong in the command line itself.

CliError
├── Misused       the command can't be carried out as it was given; exit code 2
├── NotAvailable  what was asked for isn't there, or not yet; exit code 1
├── Unanswered    an operator-service gives no answer, or asks for patience; exit code 1
└── Refused       an operator-service answers that it won't; exit code 1

Each has a remedy: what to do about it, in one sentence. Errors of the API server and of the storage come up as they
are, and get their remedy from `explain`.
"""

from dataclasses import dataclass

from c2d.kube import errors as kube
from c2d.storage import errors as storage

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


class CliError(Exception):
    """Something is wrong; the text is fit for a user."""

    exit_code = FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Misused(CliError):
    """The command can't be carried out as it was given."""

    exit_code = MISUSED


class NotAvailable(CliError):
    """What was asked for isn't there, or not yet."""


class Unanswered(CliError):
    """An operator-service gives no answer, or asks for patience: worth another try."""


class Refused(CliError):
    """An operator-service answers that it won't; the text is its own."""


EXPECTED = (CliError, kube.KubeError, storage.StorageError)

# What the API server says when the kind is unknown to it, and not the object.
_NO_KIND = "could not find the requested resource"
_NO_NAMESPACE = "namespaces "
_REMEDIES: tuple[tuple[type[Exception], str, str], ...] = (
    (kube.NoCluster, "", "Set KUBECONFIG, or name a context of it with --context."),
    (kube.NotFound, _NO_KIND, "Install the operator's chart in this cluster, or choose another one with --context."),
    (kube.NotFound, _NO_NAMESPACE, "Name another namespace with -n."),
    (kube.NotFound, "", "See what is there with `c2d list`, in other namespaces with --all."),
    (kube.AlreadyExists, "", "Give the job a new name, or metadata.generateName for a new one each time."),
    (kube.Unavailable, "", "Check that the cluster is up: kubectl version."),
    (storage.Unavailable, "", "An endpoint inside the cluster can't be reached from here; give another by --endpoint."),
    (storage.Denied, "", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys that may read the results."),
    (storage.Missing, "", "The results may have expired, or --endpoint leads to another server."),
    (storage.Corrupt, "", "Don't use what was downloaded; ask the data owner to look at the bucket."),
)


@dataclass(frozen=True)
class Explanation:
    message: str
    remedy: str
    exit_code: int


def explain(error: Exception) -> Explanation:
    """One line of what is wrong, one of what to do about it, and how the process ends."""
    message = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, CliError):
        return Explanation(message, error.remedy, error.exit_code)
    as_given = isinstance(error, (kube.Rejected, kube.AlreadyExists))
    return Explanation(message, _remedy(error, message), MISUSED if as_given else FAILED)


def _remedy(error: Exception, message: str) -> str:
    fitting = (remedy for kind, part, remedy in _REMEDIES if isinstance(error, kind) and part in message)
    return next(fitting, "")
