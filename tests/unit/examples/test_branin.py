"""The dataset holds the function, and the algorithm finds it in there."""

import json
import pathlib
import pickle
import subprocess
import sys

import arff
import pytest

from examples import manifests
from examples.branin import dataset, function
from examples.demo import prediction

DID = "6fed1dc6a22949441835f37ab7d0b58a441c7e59b992ecb4cb080d35e1fae798"


@pytest.mark.parametrize("minimum", [(-3.141593, 12.275), (3.141593, 2.275), (9.42478, 2.475)])
def test_the_function_has_its_known_minima(minimum):
    assert function.branin(*minimum) == pytest.approx(0.397887, abs=1e-5)


def test_the_dataset_is_the_same_each_time_and_another_with_another_seed():
    assert dataset.arff() == dataset.arff()
    assert dataset.arff() != dataset.arff(seed=2)


def test_the_dataset_can_be_read_and_its_values_are_the_functions():
    found = arff.loads(dataset.arff())
    assert found["attributes"] == [("x0", "NUMERIC"), ("x1", "NUMERIC"), ("value", "NUMERIC")]
    assert len(found["data"]) == 400
    for x0, x1, value in found["data"]:
        assert value == pytest.approx(function.branin(x0, x1), abs=1e-6)


def test_each_cell_of_the_domain_has_a_sample():
    cells = {(int((x0 + 5) / 15 * 20), int(x1 / 15 * 20)) for x0, x1, _ in dataset.samples()}
    assert cells == {(column, row) for column in range(20) for row in range(20)}


@pytest.fixture(scope="module")
def volume(tmp_path_factory) -> pathlib.Path:
    """A folder that looks like / of the algorithm's container, after the algorithm ran there."""
    root = tmp_path_factory.mktemp("root")
    inputs, outputs = root / "data" / "inputs" / DID, root / "data" / "outputs"
    inputs.mkdir(parents=True)
    outputs.mkdir()
    (inputs / "0").write_text(dataset.arff())
    environ = {"DIDS": json.dumps([DID]), "OUTPUTS": str(outputs), "MPLCONFIGDIR": str(root)}
    command = [sys.executable, manifests.FOLDER / "branin" / "gpr.py"]
    subprocess.run(command, cwd=root, env=environ, check=True, timeout=120)
    return root


def test_the_algorithm_predicts_the_function(volume):
    found = prediction.compare(prediction.read(volume / "data" / "outputs" / "result"))
    assert found.error < 0.01


def test_the_algorithm_draws_what_it_predicts(volume):
    assert (volume / "data" / "outputs" / "predicted.png").read_bytes().startswith(b"\x89PNG")


def test_its_result_is_an_ordinary_pickle(volume):
    with (volume / "data" / "outputs" / "result").open("rb") as file:
        assert pickle.load(file).shape == (15, 15)  # noqa: S301 - written by the test itself
