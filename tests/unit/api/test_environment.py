"""What an environment may say of its bucket."""

import pydantic
import pytest

from c2d.api.environment import Encryption, S3Target


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({}, id="no encryption"),
        pytest.param({"serverSideEncryption": "AES256"}, id="the server's own keys"),
        pytest.param({"serverSideEncryption": "aws:kms"}, id="the default key of KMS"),
        pytest.param({"serverSideEncryption": "aws:kms", "kmsKeyId": "alias/results"}, id="a key of KMS"),
    ],
)
def test_encryption(said: dict[str, str]) -> None:
    target = S3Target.model_validate({"bucket": "results", **said})
    assert target.server_side_encryption in (None, *Encryption)


@pytest.mark.parametrize("encryption", [None, "AES256"])
def test_a_key_needs_kms(encryption: str | None) -> None:
    said = {"bucket": "results", "kmsKeyId": "alias/results", "serverSideEncryption": encryption}
    with pytest.raises(pydantic.ValidationError, match="kmsKeyId needs serverSideEncryption: aws:kms"):
        S3Target.model_validate(said)
