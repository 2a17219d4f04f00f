"""What `up` puts into a cluster: keys, servers and the chart's values."""

import stat
from pathlib import Path
from typing import Any

import pytest

from c2d.ocean import signatures
from cluster import keys, kind, manifests, postgres, release, s3
from cluster.keys import Keys
from cluster.settings import Places
from cluster.traits import Traits

# A key and its address as others published them together.
KEY = "0x1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090"
ADDRESS = "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
STORE = s3.Store("http://127.0.0.1:30900", "http://10.96.0.9:7070", s3.Credentials("a", "s"))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "cache")


def parts(postgres_host: str = "") -> release.Parts:
    return release.Parts("localhost/c2d/operator:1", STORE, Keys(KEY, KEY, "secret"), postgres_host)


def test_keys_are_made_once_and_for_their_owner_only(places: Places) -> None:
    made = keys.keys(places)

    assert keys.keys(places) == made
    assert len({made.operator, made.provider, made.admin_password}) == 3
    assert signatures.is_address(made.provider_address)
    for file in places.state.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_provider_is_known_by_its_address() -> None:
    assert keys.address(KEY) == ADDRESS


def test_a_postgres_stays_until_the_state_folder_goes(places: Places) -> None:
    assert not postgres.kept(places)

    postgres.keep(places)

    assert postgres.kept(places)
    assert postgres.variables(places)["POSTGRES_PASSWORD"] == postgres.password(places)


def test_no_value_is_a_secret() -> None:
    text = str(release.values(parts("10.96.0.8"), Traits()))
    assert not [secret for secret in (KEY, "secret") if f"'{secret}'" in text]


def test_somebody_elses_cluster_gets_no_node_port_for_the_database() -> None:
    (port,) = service_of(postgres.server("i", Traits(node_ports=False)))["ports"]
    assert "nodePort" not in port
    (port,) = service_of(postgres.server("i", Traits()))["ports"]
    assert port["nodePort"] == 30432


def test_every_port_that_env_tells_is_mapped_by_kind() -> None:
    (node,) = kind.configuration()["nodes"]  # type: ignore[misc]
    assert {each["hostPort"] for each in node["extraPortMappings"]} == {30900, 30850, 30432}
    assert {each["listenAddress"] for each in node["extraPortMappings"]} == {"127.0.0.1"}


def service_of(server: Any) -> Any:
    (service,) = [item["spec"] for item in manifests.server(server) if item["kind"] == "Service"]
    return service
