"""Where the database is, from the environment."""

import pytest

from c2d.archive.settings import Settings

HOST = {"POSTGRES_HOST": "db"}


@pytest.mark.parametrize("environ", [{}, {"POSTGRES_HOST": ""}, {"POSTGRES_PORT": "x"}])
def test_without_a_host_there_is_no_archive(environ: dict[str, str]) -> None:
    assert Settings.read(environ) is None


def test_all_that_can_be_said() -> None:
    environ = {
        **HOST,
        "POSTGRES_PORT": "6432",
        "POSTGRES_DB": "archive",
        "POSTGRES_USER": "me",
        "POSTGRES_PASSWORD": "secret",
        "POSTGRES_SSLMODE": "verify-full",
    }
    found = Settings.read(environ)
    assert found == Settings("db", 6432, "archive", "me", "secret", "verify-full")
    assert "secret" not in repr(found)


def test_a_host_is_enough() -> None:
    assert Settings.read(HOST) == Settings("db", 5432, "postgres", "postgres", "", "prefer")


def test_the_database_has_the_name_of_its_user() -> None:
    found = Settings.read({**HOST, "POSTGRES_USER": "me"})
    assert found is not None
    assert found.database == "me"


@pytest.mark.parametrize("port", ["x", "-1", "0", "65536", "1e3", "5432 ", "\u0665", "9" * 5000])
def test_a_port_that_is_no_number(port: str) -> None:
    with pytest.raises(ValueError, match="POSTGRES_PORT"):
        Settings.read({**HOST, "POSTGRES_PORT": port})


def test_the_variable_of_a_service_that_is_called_postgres() -> None:
    with pytest.raises(ValueError, match=r"POSTGRES_PORT.*Kubernetes"):
        Settings.read({**HOST, "POSTGRES_PORT": "tcp://10.96.0.7:5432"})


def test_an_unknown_ssl_mode() -> None:
    with pytest.raises(ValueError, match="POSTGRES_SSLMODE"):
        Settings.read({**HOST, "POSTGRES_SSLMODE": "yes"})
