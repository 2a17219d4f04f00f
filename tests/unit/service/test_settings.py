"""Every variable is read, and a bad value names its variable and no secret."""

import json

import pytest

from c2d.service.settings import Settings

ADDRESS = "0xe17D2A07EFD5B112F4d675ea2d122ddb145d117B"
PASSWORD = "a-password-of-tests"  # noqa: S105


def test_nothing_said() -> None:
    settings = Settings.read({})
    assert (settings.port, settings.namespace, settings.metadata_uri, settings.job_ttl_seconds) == (8050, "", "", None)
    assert settings.access.signature_required
    assert not settings.access.providers
    assert not settings.access.admins
    assert not settings.access.running_jobs_public
    assert settings.access.window_seconds == 300
    assert (settings.limits.body_bytes, settings.limits.streams) == (8 * 1024 * 1024, 64)
    assert settings.archive is None
    assert settings.log_level == "INFO"


def test_everything_said() -> None:
    settings = Settings.read(
        {
            "C2D_SERVICE_PORT": "80",
            "C2D_NAMESPACE": "c2d",
            "ALLOWED_PROVIDERS": json.dumps([ADDRESS, ADDRESS.lower()]),
            "ALLOWED_ADMINS": json.dumps([PASSWORD]),
            "SIGNATURE_REQUIRED": "0",
            "C2D_NONCE_WINDOW_SECONDS": "10",
            "C2D_RUNNING_JOBS_PUBLIC": "true",
            "C2D_MAX_BODY_BYTES": "65536",
            "C2D_MAX_STREAMS": "1",
            "C2D_REQUESTS_PER_SECOND": "0",
            "C2D_METADATA_URI": "https://aquarius.example.com",
            "C2D_JOB_TTL_SECONDS": "0",
            "C2D_S3_CREDENTIALS": "/somewhere",
            "POSTGRES_HOST": "db",
            "LOG_LEVEL": "debug",
        }
    )
    assert settings.access.providers == {ADDRESS.lower()}
    assert settings.access.admins == (PASSWORD,)
    assert not settings.access.signature_required
    assert settings.access.running_jobs_public
    assert (settings.limits.body_bytes, settings.limits.streams, settings.limits.requests_per_second) == (65536, 1, 0)
    assert settings.job_ttl_seconds == 0
    assert settings.archive is not None
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize("name", ["C2D_SERVICE_PORT", "C2D_JOB_TTL_SECONDS", "ALLOWED_PROVIDERS", "LOG_LEVEL"])
def test_an_empty_value_is_none(name: str) -> None:
    """A chart writes every variable."""
    assert Settings.read({name: ""}) == Settings.read({})


HUGE = "9" * 5000
NUMBERS = ["-1", "abc", "1.5", "0x10", " ", HUGE, "1e3"]
BAD = {
    "C2D_SERVICE_PORT": [*NUMBERS, "0", "65536"],
    "C2D_NONCE_WINDOW_SECONDS": [*NUMBERS, "0", "86401"],
    "C2D_MAX_BODY_BYTES": [*NUMBERS, "0", "65535"],
    "C2D_MAX_STREAMS": [*NUMBERS, "0"],
    "C2D_REQUESTS_PER_SECOND": NUMBERS,
    "C2D_JOB_TTL_SECONDS": [*NUMBERS, "31536001"],
    "SIGNATURE_REQUIRED": ["2", "maybe", "-"],
    "C2D_RUNNING_JOBS_PUBLIC": ["2", "maybe"],
    "ALLOWED_PROVIDERS": [
        "0x1",
        "[",
        '"0x1"',
        '["0x1"]',
        "[1]",
        '[""]',
        "{}",
        "null",
        f'["{ADDRESS}0"]',
        "[" * 100_000,
    ],
    "ALLOWED_ADMINS": [
        PASSWORD,
        f'{{"a": "{PASSWORD}"}}',
        f'["{PASSWORD}"',
        f'["{PASSWORD}", ""]',
        f'["{PASSWORD}", 1]',
    ],
    "POSTGRES_PORT": ["0", "abc", "tcp://10.0.0.1:5432"],
    "POSTGRES_SSLMODE": ["maybe"],
    "LOG_LEVEL": ["LOUD", "5 5"],
    "C2D_METADATA_URI": ["aquarius", "ftp://aquarius", "https://"],
}
CASES = [(name, value) for name, values in BAD.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=[f"{name}={value[:12]}" for name, value in CASES])
def test_a_bad_value_names_its_variable(name: str, value: str) -> None:
    environ = {"POSTGRES_HOST": "db", "POSTGRES_PASSWORD": PASSWORD, name: value}
    with pytest.raises(SystemExit) as told:
        Settings.read(environ)
    text = str(told.value)
    assert name in text
    assert PASSWORD not in text
    assert len(text) < 500 or value == HUGE


def test_no_password_is_shown() -> None:
    settings = Settings.read(
        {"ALLOWED_ADMINS": json.dumps([PASSWORD]), "POSTGRES_HOST": "db", "POSTGRES_PASSWORD": PASSWORD}
    )
    assert PASSWORD not in repr(settings)
