"""What a user is told of an error."""

import pytest

from c2d.cli import errors
from c2d.kube import errors as kube
from c2d.storage import errors as storage


@pytest.mark.parametrize(
    ("error", "remedy", "code"),
    [
        pytest.param(errors.Misused("x", "do y"), "do y", 2, id="a command that can't be carried out"),
        pytest.param(errors.NotAvailable("x", "do y"), "do y", 1, id="something that isn't there yet"),
        pytest.param(kube.NoCluster("x"), "KUBECONFIG", 1, id="no cluster"),
        pytest.param(kube.NotFound('computejobs "x" not found'), "c2d list", 1, id="no such job"),
        pytest.param(kube.NotFound("the server could not find the requested resource"), "chart", 1, id="no operator"),
        pytest.param(kube.NotFound('namespaces "x" not found'), "-n", 1, id="no such namespace"),
        pytest.param(kube.AlreadyExists("x"), "generateName", 2, id="the name is taken"),
        pytest.param(kube.Rejected("x"), "", 2, id="the cluster's own words need no remedy"),
        pytest.param(kube.Unavailable("x"), "kubectl version", 1, id="the API server is away"),
        pytest.param(storage.Unavailable("x"), "--endpoint", 1, id="the storage is out of reach"),
        pytest.param(storage.Denied("x"), "AWS_ACCESS_KEY_ID", 1, id="no credentials"),
        pytest.param(storage.Missing("x"), "expired", 1, id="results are gone"),
        pytest.param(storage.Corrupt("x"), "Don't use", 1, id="results were tampered with"),
    ],
)
def test_an_error_has_a_remedy_and_an_exit_code(error, remedy, code):
    said = errors.explain(error)
    assert (remedy in said.remedy, said.exit_code) == (True, code)


def test_a_message_is_one_line():
    assert errors.explain(kube.Rejected("a\n  b")).message == "a b"


def test_an_error_without_words_is_called_by_its_name():
    assert errors.explain(kube.Conflict()).message == "Conflict"
