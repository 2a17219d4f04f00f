"""What the service is told by its environment variables (docs/reference/settings.md)."""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from c2d.archive.settings import Settings as ArchiveSettings
from c2d.ocean import signatures

_SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class Access:
    """Who may do what."""

    providers: frozenset[str]  # addresses, in lower case
    admins: tuple[str, ...] = field(repr=False)
    signature_required: bool = True
    window_seconds: int = 300
    running_jobs_public: bool = False


@dataclass(frozen=True)
class Limits:
    """What one replica takes on."""

    body_bytes: int = 8 * 1024 * 1024
    streams: int = 64
    requests_per_second: int = 1000  # of one Provider; 0 means any number


@dataclass(frozen=True)
class Settings:
    """Everything that the process is told."""

    port: int
    namespace: str  # empty: the pod's own
    access: Access
    limits: Limits
    metadata_uri: str
    job_ttl_seconds: int | None
    credentials: Path
    reader_token: Path  # what readers of volumes know the service by
    archive: ArchiveSettings | None
    log_level: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SystemExit with the variable's name and what it must be."""
        return cls(
            port=_number(environ, "C2D_SERVICE_PORT", 8050, 1, 65535),
            namespace=environ.get("C2D_NAMESPACE", ""),
            access=_access(environ),
            limits=Limits(
                body_bytes=_number(environ, "C2D_MAX_BODY_BYTES", 8 * 1024 * 1024, 65_536, 1 << 30),
                streams=_number(environ, "C2D_MAX_STREAMS", 64, 1, 10_000),
                requests_per_second=_number(environ, "C2D_REQUESTS_PER_SECOND", 1000, 0, 1_000_000),
            ),
            metadata_uri=_url(environ, "C2D_METADATA_URI"),
            job_ttl_seconds=_optional(environ, "C2D_JOB_TTL_SECONDS", 31_536_000),
            credentials=Path(environ.get("C2D_S3_CREDENTIALS", "/c2d/credentials")),
            reader_token=Path(environ.get("C2D_READER_TOKEN", "/c2d/reader/token")),
            archive=_archive(environ),
            log_level=_level(environ, "LOG_LEVEL", "INFO"),
        )


def _access(environ: Mapping[str, str]) -> Access:
    return Access(
        providers=frozenset(_address(address) for address in _texts(environ, "ALLOWED_PROVIDERS")),
        admins=tuple(_texts(environ, "ALLOWED_ADMINS")),
        signature_required=_switch(environ, "SIGNATURE_REQUIRED", "1"),
        window_seconds=_number(environ, "C2D_NONCE_WINDOW_SECONDS", 300, 1, 86_400),
        running_jobs_public=_switch(environ, "C2D_RUNNING_JOBS_PUBLIC", "0"),
    )


def _archive(environ: Mapping[str, str]) -> ArchiveSettings | None:
    try:
        return ArchiveSettings.read(environ)
    except ValueError as error:
        raise SystemExit(str(error)) from None


def _texts(environ: Mapping[str, str], name: str) -> list[str]:
    text = environ.get(name, "").strip()
    if not text:
        return []
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        # The value itself may be a secret.
        raise SystemExit(f'{name} must be a JSON list of texts, as in ["0x…"]')
    return values


def _address(text: str) -> str:
    if not signatures.is_address(text):
        raise SystemExit(f"ALLOWED_PROVIDERS has {text!r}: an address is 0x and 40 hexadecimal digits")
    return text.lower()


def _switch(environ: Mapping[str, str], name: str, default: str) -> bool:
    text = environ.get(name, "") or default
    if text.lower() not in _SWITCHES:
        raise SystemExit(f"{name} is {text!r}: it must be 1 or 0")
    return _SWITCHES[text.lower()]


def _level(environ: Mapping[str, str], name: str, default: str) -> str:
    text = (environ.get(name, "") or default).upper()
    if text not in logging.getLevelNamesMapping():
        raise SystemExit(f"{name} is {text!r}: it must be DEBUG, INFO, WARNING or ERROR")
    return text


def _url(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "")
    if text and not re.fullmatch(r"https?://[^/?#\s]\S*", text):
        raise SystemExit(f"{name} is {text!r}: it must be a URL that begins with http:// or https://")
    return text


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name, "") or str(default)
    if not re.fullmatch("[0-9]{1,18}", text) or not least <= int(text) <= most:
        raise SystemExit(f"{name} is {text!r}: it must be a whole number from {least} to {most}")
    return int(text)


def _optional(environ: Mapping[str, str], name: str, most: int) -> int | None:
    return _number(environ, name, 0, 0, most) if environ.get(name) else None
