"""A plan becomes tasks: which file, from where, with which mode."""

from pathlib import PurePosixPath

import pytest

from c2d.api.plan import ConfigurePlan, PlannedAsset, PlannedFile, PlannedObject
from c2d.configure.errors import PlanInvalid, Role
from c2d.configure.tasks import ContentFile, Object, Task, Text, Url, UrlFile, tasks_of, tasks_of_asset
from c2d.ocean.provider import Order


def plan(*inputs: PlannedFile, algorithm: PlannedFile | None = None, custom_data: object = None) -> ConfigurePlan:
    algorithms = [algorithm] if algorithm else []
    return ConfigurePlan(job="ns/job", inputs=list(inputs), algorithm=algorithms, custom_data=custom_data)


def test_every_source_becomes_a_task_with_its_mode() -> None:
    tasks = tasks_of(
        plan(
            PlannedFile(path="inputs/a/0", url="https://example.org/a", sha256="0" * 64),
            PlannedFile(path="inputs/a/1", url_file="/c2d/secrets/name/key"),
            PlannedFile(path="inputs/a/2", content_file="/c2d/secrets/name/text"),
            algorithm=PlannedFile(path="transformations/algorithm", text="print(1)"),
        )
    )

    assert tasks == (
        Task(Role.INPUT, PurePosixPath("inputs/a/0"), Url("https://example.org/a"), "0" * 64),
        Task(Role.INPUT, PurePosixPath("inputs/a/1"), UrlFile(PurePosixPath("/c2d/secrets/name/key"))),
        Task(Role.INPUT, PurePosixPath("inputs/a/2"), ContentFile(PurePosixPath("/c2d/secrets/name/text"))),
        Task(Role.ALGORITHM, PurePosixPath("transformations/algorithm"), Text(b"print(1)")),
        Task(Role.INPUT, PurePosixPath("inputs/algoCustomData.json"), Text(b"null")),
    )
    assert [oct(task.mode) for task in tasks] == ["0o644", "0o644", "0o644", "0o755", "0o644"]


def test_how_a_file_is_asked_for_goes_along() -> None:
    place = PlannedObject(region="eu-1", bucket="bucket", key="k")
    headers = PurePosixPath("/c2d/secrets/a/h")
    tasks = tasks_of(
        plan(
            PlannedFile(path="inputs/a/0", url="https://h/", method="POST", headers_file=str(headers)),
            PlannedFile(path="inputs/a/1", url_file="/c2d/secrets/a/u", headers_file=str(headers)),
            PlannedFile(path="inputs/a/2", s3=place),
        )
    )
    assert [task.source for task in tasks[:3]] == [
        Url("https://h/", "POST", headers),
        UrlFile(PurePosixPath("/c2d/secrets/a/u"), "GET", headers),
        Object(place),
    ]


def asset(path: str, algorithm: bool = False) -> PlannedAsset:
    return PlannedAsset(
        did="did:op:aa", path=path, algorithm=algorithm, service_id="s", transfer_tx_id="t", metadata_uri="https://a"
    )


@pytest.mark.parametrize(
    ("planned", "role", "paths"),
    [
        (asset("inputs/aa/0"), Role.INPUT, ["inputs/aa/0", "inputs/aa/1", "inputs/aa/2"]),
        (
            asset("transformations/algorithm", algorithm=True),
            Role.ALGORITHM,
            ["transformations/algorithm", "transformations/algorithm1", "transformations/algorithm2"],
        ),
    ],
)
def test_an_assets_files_count_on(planned: PlannedAsset, role: Role, paths: list[str]) -> None:
    tasks = tasks_of_asset(planned, "https://p/get", Order("did:op:aa", "s", "t"), 3)
    assert [str(task.path) for task in tasks] == paths
    assert {task.role for task in tasks} == {role}


@pytest.mark.parametrize("path", ["inputs/aa/1", "inputs/aa/x", "../aa/0", "0", "/inputs/aa/0"])
def test_an_asset_at_an_impossible_place(path: str) -> None:
    with pytest.raises(PlanInvalid):
        tasks_of(ConfigurePlan(job="ns/job", inputs=[], algorithm=[], assets=[asset(path)]))


@pytest.mark.parametrize(
    ("value", "content"),
    [
        pytest.param(None, "null", id="no custom data is JSON's null"),
        pytest.param({"a": [1, None, "é"]}, '{"a": [1, null, "é"]}', id="an object stays what it is, in UTF-8"),
        pytest.param("text", '"text"', id="a bare string is JSON, too"),
    ],
)
def test_custom_data_is_written_as_json(value: object, content: str) -> None:
    assert tasks_of(plan(custom_data=value))[-1].source == Text(content.encode())


def test_private_custom_data_stays_in_its_file() -> None:
    private = ConfigurePlan(job="ns/job", inputs=[], algorithm=[], custom_data_file="/c2d/secrets/name/custom")
    assert tasks_of(private)[-1].source == ContentFile(PurePosixPath("/c2d/secrets/name/custom"))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param(PlannedFile(path="inputs/a/0"), "exactly one", id="no source"),
        pytest.param(PlannedFile(path="inputs/a/0", text="x", url="http://h/"), "exactly one", id="two sources"),
        pytest.param(PlannedFile(path="inputs/a/0", url="http://h/", method="PUT"), "that method", id="a method"),
        pytest.param(PlannedFile(path="../etc/passwd", text="x"), "not a path", id="a path that leaves the volume"),
        pytest.param(PlannedFile(path="inputs/../../x", text="x"), "not a path", id="a path that leaves it later"),
        pytest.param(PlannedFile(path="/etc/passwd", text="x"), "not a path", id="an absolute path"),
        pytest.param(PlannedFile(path="file", text="x"), "not a path", id="a path outside of the folders"),
        pytest.param(PlannedFile(path="inputs/algoCustomData.json", text="x"), "2 times", id="a place taken twice"),
    ],
)
def test_an_impossible_plan_is_refused(file: PlannedFile, words: str) -> None:
    with pytest.raises(PlanInvalid, match=words):
        tasks_of(plan(file))
