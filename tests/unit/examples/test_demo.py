"""The demo's own parts: what it is told, what it trusts, what it draws."""

import os
import pathlib
import pickle

import numpy
import pytest

from c2d.cli import errors
from c2d.kube.errors import AlreadyExists
from examples.demo import owner, picture, prediction
from examples.demo.settings import Settings

ENVIRON = {
    "C2D_NAMESPACE": "ns",
    "C2D_ENVIRONMENT": "default",
    "C2D_S3_ENDPOINT": "http://127.0.0.1:1",
    "C2D_S3_ENDPOINT_IN_CLUSTER": "http://inside:2",
    "AWS_REGION": "us-east-1",
    "C2D_S3_DATASETS_BUCKET": "datasets",
}


class Program:
    """What a hostile algorithm would pickle."""

    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


def pickled(folder: pathlib.Path, what: object) -> pathlib.Path:
    path = folder / "result"
    path.write_bytes(pickle.dumps(what))
    return path


def test_settings_that_are_missing_are_all_named():
    with pytest.raises(errors.Misused, match="not set: C2D_ENVIRONMENT, AWS_REGION"):
        Settings.read({**ENVIRON, "C2D_ENVIRONMENT": "", "AWS_REGION": ""})


def test_the_url_is_signed_for_the_address_inside_the_cluster(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    url = owner.signed_url(Settings.read(ENVIRON))
    assert url.startswith("http://inside:2/datasets/branin.arff?")
    assert "X-Amz-Expires=3600" in url


class Cluster:
    """Knows whether there is a Secret already."""

    def __init__(self, *, there: bool) -> None:
        self._there = there
        self.url = ""

    async def create(self, resource, item):
        if self._there:
            raise AlreadyExists("it is there")
        self.url = item["stringData"]["url"]

    async def patch(self, resource, namespace, name, body):
        self.url = body["stringData"]["url"]


@pytest.mark.parametrize("there", [False, True])
async def test_the_secret_holds_the_latest_url(there):
    cluster = Cluster(there=there)
    await owner.keep_secret(cluster, "ns", "http://new")
    assert cluster.url == "http://new"


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_an_array_is_read(tmp_path, protocol):
    path = tmp_path / "result"
    path.write_bytes(pickle.dumps(numpy.ones((15, 15)), protocol=protocol))
    assert prediction.read(path).sum() == 225


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(Program(), id="a program"),
        pytest.param([Program()], id="a program inside a list"),
        pytest.param(numpy.array([[Program()] * 15] * 15, dtype=object), id="a program inside an array"),
        pytest.param(numpy.ones((3, 3)), id="an array of another shape"),
        pytest.param("text", id="no array"),
    ],
)
def test_anything_else_is_refused_and_never_run(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.CliError, match="holds no"):
        prediction.read(pickled(tmp_path, what))
    assert not (tmp_path / "made-by-a-pickle").exists()


@pytest.mark.parametrize("content", [b"", b"\x80", b"no pickle"])
def test_what_is_no_pickle_is_refused(tmp_path, content):
    (tmp_path / "result").write_bytes(content)
    with pytest.raises(errors.CliError, match="holds no prediction"):
        prediction.read(tmp_path / "result")


def test_the_truth_has_no_error_and_a_guess_has_a_large_one():
    truth = prediction.compare(numpy.zeros((15, 15))).truth
    assert prediction.compare(truth).error == 0
    assert prediction.compare(numpy.full((15, 15), truth.mean())).error > 2 * prediction.TOLERANCE


def test_a_picture_is_drawn(tmp_path):
    found = prediction.compare(numpy.zeros((15, 15)))
    picture.draw(found, tmp_path / "surface.png")
    assert (tmp_path / "surface.png").read_bytes().startswith(b"\x89PNG")
