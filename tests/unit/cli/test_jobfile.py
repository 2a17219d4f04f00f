"""What `c2d run` accepts as a job."""

import pytest

from c2d.cli import errors, jobfile

JOB = """\
apiVersion: c2d.oceanprotocol.com/v1alpha1
kind: ComputeJob
metadata: {generateName: my-}
spec: {anything: the cluster judges}
"""


def refused(content: str | bytes) -> errors.Misused:
    content = content.encode() if isinstance(content, str) else content
    with pytest.raises(errors.Misused) as caught:
        jobfile.parse(content, "job.yaml")
    return caught.value


def test_yaml_is_read():
    assert jobfile.parse(JOB.encode(), "job.yaml")["metadata"] == {"generateName": "my-"}


def test_json_is_read():
    content = b'{"apiVersion": "c2d.oceanprotocol.com/v1alpha1", "kind": "ComputeJob", "metadata": {"name": "a"}}'
    assert jobfile.parse(content, "job.json")["metadata"] == {"name": "a"}


def test_empty_documents_do_not_count():
    assert jobfile.parse(f"---\n{JOB}---\n".encode(), "job.yaml")["kind"] == "ComputeJob"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "job.yaml has 0 documents", id="nothing"),
        pytest.param(f"{JOB}---\n{JOB}", "job.yaml has 2 documents", id="two jobs"),
        pytest.param("apiVersion: v1\nkind: Secret", "job.yaml holds no ComputeJob but v1 Secret", id="another kind"),
        pytest.param("- a", "job.yaml holds no ComputeJob but list", id="a list"),
        pytest.param(JOB.replace("{generateName: my-}", "{}"), "the job in job.yaml has no name", id="no name"),
        pytest.param(JOB.replace("{generateName: my-}", "branin"), "the job in job.yaml has no name", id="a bare name"),
        pytest.param("a: b: c", "mapping values are not allowed here in line 1", id="no YAML"),
        pytest.param(b"\xff\xfe\x00", "job.yaml is neither YAML nor JSON", id="no text"),
    ],
)
def test_anything_else_is_refused_with_a_remedy(content, message):
    error = refused(content)
    assert message in str(error)
    assert error.remedy.endswith(".")


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(errors.Misused, match=r"nowhere\.yaml can't be read: No such file"):
        jobfile.read("nowhere.yaml")


@pytest.mark.parametrize(
    ("own", "asked", "expected"),
    [
        pytest.param(None, None, "default", id="the default of KUBECONFIG"),
        pytest.param("theirs", None, "theirs", id="the job's own"),
        pytest.param(None, "asked", "asked", id="the one that was asked for"),
        pytest.param("same", "same", "same", id="twice the same"),
    ],
)
def test_namespace(own, asked, expected):
    job = {"metadata": {"name": "a", **({"namespace": own} if own else {})}}
    assert jobfile.placed(job, asked, "default")["metadata"] == {"name": "a", "namespace": expected}


def test_two_namespaces_are_one_too_many():
    with pytest.raises(errors.Misused, match="the job says namespace a, the command b"):
        jobfile.placed({"metadata": {"name": "x", "namespace": "a"}}, "b", "default")
