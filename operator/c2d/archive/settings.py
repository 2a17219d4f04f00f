"""Where the database is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_DEFAULT_PORT = "5432"


@dataclass(frozen=True, slots=True)
class Settings:
    """An empty password means none; libpq then looks where it always does (PGPASSFILE, a client certificate)."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    sslmode: str = "prefer"
    authorities: str = ""  # a file with the certificates to trust, for verify-ca and verify-full

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self | None:
        """From POSTGRES_HOST, _PORT, _DB, _USER, _PASSWORD, _SSLMODE and _SSLROOTCERT; None without a host.

        The user is `postgres` unless told otherwise and the database has the user's name, as in the image `postgres`.
        Raises ValueError with a text that names the variable.
        """
        host = environ.get("POSTGRES_HOST", "")
        if not host:
            return None
        user = environ.get("POSTGRES_USER") or "postgres"
        return cls(
            host=host,
            port=_port(environ.get("POSTGRES_PORT") or _DEFAULT_PORT),
            database=environ.get("POSTGRES_DB") or user,
            user=user,
            password=environ.get("POSTGRES_PASSWORD", ""),
            sslmode=_sslmode(environ.get("POSTGRES_SSLMODE") or "prefer"),
            authorities=environ.get("POSTGRES_SSLROOTCERT", ""),
        )


def _port(text: str) -> int:
    if text.startswith("tcp://"):
        # Kubernetes sets such variables for every Service of the namespace, also for one that is called postgres.
        raise ValueError(f"POSTGRES_PORT is {text!r}, which Kubernetes made of a Service's name; set it to a number")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise ValueError(f"POSTGRES_PORT must be a port's number, not {text!r}")
    return int(text)


def _sslmode(text: str) -> str:
    if text not in _SSL_MODES:
        raise ValueError(f"POSTGRES_SSLMODE must be one of {', '.join(_SSL_MODES)}, not {text!r}")
    return text
