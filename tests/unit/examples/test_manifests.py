"""The examples are jobs that the operator takes, and fit the files that they are made of."""

import hashlib
import textwrap

import pytest

from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec
from c2d.cli import jobfile
from examples import manifests
from examples.branin import dataset
from examples.demo import owner

JOBS = ("hello.yaml", "failing.yaml", "oom.yaml", "timeout.yaml", "no-network.yaml", "branin/job.yaml")
DIGEST = "sha256:" + "0" * 64


def spec(name: str) -> JobSpec:
    return JobSpec.model_validate(manifests.load(name)["spec"])


def test_no_example_is_forgotten():
    """Those of inputs/ have tests of their own: tests/data_plane/test_inputs.py."""
    found = {str(path.relative_to(manifests.FOLDER)) for path in manifests.FOLDER.rglob("*.yaml")}
    assert {name for name in found if not name.startswith("inputs/")} == {*JOBS, "environments/short.yaml"}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_valid_and_can_be_submitted_anywhere_and_again(name):
    item = jobfile.read(str(manifests.FOLDER / name))
    JobSpec.model_validate(item["spec"])
    assert set(item["metadata"]) == {"generateName"}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_says_what_it_shows(name):
    assert (manifests.FOLDER / name).read_text().startswith("# ")


@pytest.mark.parametrize("name", JOBS)
def test_a_jobs_algorithm_is_python(name):
    compile(spec(name).algorithm.source.inline or "", name, "exec")


def test_the_environment_is_valid_and_short():
    assert (
        EnvironmentSpec.model_validate(manifests.load("environments/short.yaml")["spec"]).max_job_duration_seconds == 5
    )
    assert spec("timeout.yaml").environment == manifests.load("environments/short.yaml")["metadata"]["name"]


def test_an_environment_takes_over_where_results_go():
    like = {"spec": {"results": {"s3": {"bucket": "real"}}, "pod": {"runtimeClassName": "gvisor"}, "maxJobs": 7}}
    changed = EnvironmentSpec.model_validate(manifests.environment("environments/short.yaml", like)["spec"])
    assert (changed.results.s3.bucket, changed.results.s3.endpoint) == ("real", None)
    assert (changed.pod.runtime_class_name, changed.max_job_duration_seconds, changed.max_jobs) == ("gvisor", 5, 10)


def test_the_branin_job_runs_the_algorithm_of_its_folder():
    assert spec("branin/job.yaml").algorithm.source.inline == (manifests.FOLDER / "branin" / "gpr.py").read_text()


def test_the_branin_job_names_the_dataset_and_its_secret():
    (file,) = spec("branin/job.yaml").inputs[0].files
    assert file.sha256 == hashlib.sha256(dataset.arff().encode()).hexdigest()
    assert file.url_from is not None
    assert (file.url_from.secret_key_ref.name, file.url_from.secret_key_ref.key) == (owner.SECRET, owner.SECRET_KEY)


@pytest.mark.parametrize(
    ("reference", "container"),
    [
        pytest.param("local/a:1", {"image": "local/a", "tag": "1", "checksum": ""}, id="a tag"),
        pytest.param("host:5000/a", {"image": "host:5000/a", "tag": "", "checksum": ""}, id="a port is no tag"),
        pytest.param("host:5000/a:1", {"image": "host:5000/a", "tag": "1", "checksum": ""}, id="a port and a tag"),
        pytest.param(f"a@{DIGEST}", {"image": "a", "tag": "", "checksum": DIGEST}, id="a digest"),
        pytest.param(f"a:1@{DIGEST}", {"image": "a", "tag": "1", "checksum": DIGEST}, id="a tag and a digest"),
    ],
)
def test_the_image_is_replaced(reference, container):
    changed = manifests.job("hello.yaml", {"C2D_ALGORITHM_IMAGE": reference})
    assert {key: changed["spec"]["algorithm"]["container"][key] for key in container} == container
    JobSpec.model_validate(changed["spec"])


def test_without_a_variable_the_image_is_the_published_one():
    assert manifests.job("hello.yaml", {}) == manifests.load("hello.yaml")


def test_another_image_stays():
    item = manifests.load("hello.yaml")
    item["spec"]["algorithm"]["container"]["image"] = "python"
    assert manifests.with_image(item, "other:1") == item


def test_the_algorithm_of_the_job_is_not_indented():
    inline = spec("branin/job.yaml").algorithm.source.inline or ""
    assert textwrap.dedent(inline) == inline
