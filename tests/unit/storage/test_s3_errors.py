"""boto3's errors become ours, without what they may give away."""

import pytest
from botocore import exceptions

from c2d.storage.errors import Denied, Missing, Refused, StorageError, Unavailable
from c2d.storage.s3_errors import error_class, translated


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("SlowDown", 503, Unavailable),
        ("InternalError", 200, Unavailable),
        ("RequestTimeout", 400, Unavailable),
        ("OperationAborted", 409, Unavailable),
        ("Whatever", 429, Unavailable),
        ("Whatever", 502, Unavailable),
        ("NotImplemented", 501, Refused),
        ("NoSuchBucket", 404, Missing),
        ("NoSuchKey", 404, Missing),
        ("404", 404, Missing),
        ("AccessDenied", 403, Denied),
        ("AccessDenied", 0, Denied),
        ("InvalidAccessKeyId", 403, Denied),
        ("SignatureDoesNotMatch", 403, Denied),
        ("Whatever", 401, Denied),
        ("KeyTooLongError", 400, Refused),
        ("PermanentRedirect", 301, Refused),
        ("", 0, Refused),
    ],
)
def test_codes(code: str, status: int, kind: type[StorageError]) -> None:
    assert error_class(code, status) is kind


def client_error(code: str, status: int) -> exceptions.ClientError:
    message = "The key AKIAGEHEIM is unknown"
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return exceptions.ClientError(response, "PutObject")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (client_error("AccessDenied", 403), Denied, "PutObject on bucket 'b' failed with AccessDenied"),
        (client_error("Ge heim\n", 400), Refused, "PutObject on bucket 'b' failed with an unknown code"),
        (exceptions.NoCredentialsError(), Denied, "there are no complete credentials for bucket 'b'"),
        (
            exceptions.EndpointConnectionError(endpoint_url="http://geheim"),
            Unavailable,
            "PutObject on bucket 'b' failed with EndpointConnectionError",
        ),
        (
            exceptions.ParamValidationError(report="geheim"),
            Refused,
            "PutObject on bucket 'b' failed with ParamValidationError",
        ),
    ],
)
def test_messages(error: Exception, kind: type[StorageError], words: str) -> None:
    def fail() -> None:
        with translated("PutObject", "b"):
            raise error

    with pytest.raises(kind) as caught:
        fail()
    assert str(caught.value) == words
