"""What the engine is told by its variables."""

import logging

import pytest

from c2d.engine.main import Options, settings_of

SECRET = "1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090"  # noqa: S105 - a test's own key
ADDRESS = "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
GIVEN = {
    "C2D_IMAGE": "c2d/operator:1",
    "OPERATOR_PRIVATE_KEY": "0x" + SECRET,
    "C2D_SIGNER_URL": "http://10.96.0.7:8081/",
    "C2D_METADATA_URI": "https://aquarius",
    "C2D_TRUSTED_METADATA_URIS": "https://one,https://other",
}


def test_the_key_is_kept_and_shows_itself_to_nobody() -> None:
    options = Options.read(GIVEN)
    assert options.key is not None
    assert options.key.address == ADDRESS
    assert SECRET not in repr(options)


def test_a_key_that_is_none_is_told_without_it() -> None:
    with pytest.raises(SystemExit, match="OPERATOR_PRIVATE_KEY can't be used") as caught:
        Options.read({**GIVEN, "OPERATOR_PRIVATE_KEY": "0x" + SECRET + "00"})
    assert SECRET not in str(caught.value)


def test_what_jobs_get_of_it() -> None:
    settings = settings_of(Options.read(GIVEN), ())
    assert (settings.signer_url, settings.metadata_uri) == ("http://10.96.0.7:8081", "https://aquarius")
    assert settings.trusted_metadata_uris == ("https://one", "https://other")
    assert not hasattr(settings, "key"), "a decision never sees the key"


def test_without_a_key_there_is_no_signer_but_progress_can_be_told() -> None:
    options = Options.read({**GIVEN, "OPERATOR_PRIVATE_KEY": ""})
    assert options.key is None
    settings = settings_of(options, ())
    assert (settings.signer_url, settings.engine_url) == ("", "http://10.96.0.7:8081")


def test_a_key_that_no_pod_can_use_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert settings_of(Options.read({**GIVEN, "C2D_SIGNER_URL": ""}), ()).signer_url == ""
    assert "C2D_SIGNER_URL" in caplog.text


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(SystemExit, match="C2D_SIGNER_PORT"):
        Options.read({**GIVEN, "C2D_SIGNER_PORT": port})
