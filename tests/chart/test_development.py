"""The values that `python -m cluster up` gives the chart."""

import pytest

from cluster import release, s3
from cluster.keys import Keys
from cluster.traits import Traits
from tests.chart import rendering

KEYS = Keys("0x" + "01" * 32, "0x" + "02" * 32, "password")
STORE = s3.Store("http://127.0.0.1:30900", "http://10.96.0.9:7070", s3.Credentials("a", "s"))


@pytest.mark.parametrize("traits", [Traits("airgap", "local-path"), Traits(node_ports=False)], ids=["ours", "given"])
@pytest.mark.parametrize("host", ["", "10.96.0.8"], ids=["no archive", "archive"])
def test_the_chart_takes_the_values(helm: str, traits: Traits, host: str) -> None:
    values = release.values(release.Parts("localhost/c2d/operator:1", STORE, KEYS, host), traits)
    items = rendering.rendered(helm, **values)
    given = rendering.environment_of(rendering.pod_of(items, "service"))
    assert given["ALLOWED_PROVIDERS"] == f'["{KEYS.provider_address}"]'
    assert given["ALLOWED_ADMINS"] == "c2d-admins/ALLOWED_ADMINS"
    assert given.get("POSTGRES_HOST", "") == host
    assert given.get("POSTGRES_PASSWORD", "") == ("c2d-postgres/POSTGRES_PASSWORD" if host else "")
    engine = rendering.environment_of(rendering.pod_of(items, "engine"))
    assert engine["OPERATOR_PRIVATE_KEY"] == "c2d-operator-key/OPERATOR_PRIVATE_KEY"
    (environment,) = [item for item in items if item["kind"] == "ComputeEnvironment"]
    assert environment["spec"]["assets"] == {"allowPrivateAddresses": True}, "its data is inside of the cluster"
    (port,) = rendering.one(items, "Service", "service")["spec"]["ports"]
    assert port.get("nodePort") == (30850 if traits.node_ports else None)
