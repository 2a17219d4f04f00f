"""Which of botocore's many errors is which of ours.

Only an error's code and the operation's name are passed on: a server's own text may repeat a key or an identity.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from botocore import exceptions

from c2d.storage.errors import Denied, Missing, Refused, StorageError, Unavailable

# Codes that mean patience although their status doesn't, and the other way round.
# Source: the list of error codes in Amazon's S3 API reference.
_PATIENCE = frozenset(
    ("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "TooManyRequests", "OperationAborted")
)
_MISSING = frozenset(("NoSuchBucket", "NoSuchKey", "NoSuchUpload", "404", "NotFound"))
_DENIED = frozenset(
    (
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "XAdminUserNotFound",  # what versitygw says, with a 404, to a presigned URL of an unknown access key
    )
)

_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.TokenRetrievalError,
    exceptions.ProfileNotFound,
)
_NO_ANSWER = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.CredentialRetrievalError,
    exceptions.MetadataRetrievalError,
    exceptions.IncompleteReadError,
    exceptions.FlexibleChecksumError,
)


def error_class(code: str, status: int = 0) -> type[StorageError]:
    """The kind of error that a server's code and HTTP status stand for."""
    if code == "NotImplemented":
        return Refused
    if code in _PATIENCE or status == 429 or status >= 500 or code in ("InternalError", "ServiceUnavailable"):
        return Unavailable
    if code in _MISSING:
        return Missing
    return Denied if code in _DENIED or status in (401, 403) else Refused


@dataclass(frozen=True)
class Told:
    """Words for the errors of one operation on one bucket."""

    operation: str
    bucket: str

    def error(self, code: str, status: int = 0) -> StorageError:
        name = code if re.fullmatch("[A-Za-z0-9.]{1,64}", code) else "an unknown code"
        return error_class(code, status)(f"{self.operation} on bucket {self.bucket!r} failed with {name}")

    def from_boto(self, error: Exception) -> StorageError:
        if isinstance(error, exceptions.ClientError):
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return self.error(error.response.get("Error", {}).get("Code", ""), status)
        if isinstance(error, _NO_CREDENTIALS):
            return Denied(f"there are no complete credentials for bucket {self.bucket!r}")
        kind = Unavailable if isinstance(error, _NO_ANSWER) else Refused
        return kind(f"{self.operation} on bucket {self.bucket!r} failed with {type(error).__name__}")


@contextlib.contextmanager
def translated(operation: str, bucket: str) -> Iterator[Told]:
    """Turns botocore's errors inside of the block into this package's."""
    told = Told(operation, bucket)
    try:
        yield told
    except (exceptions.ClientError, exceptions.BotoCoreError) as error:
        raise told.from_boto(error) from error
