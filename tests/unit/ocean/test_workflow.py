"""What each form of a workflow means, and how a wrong one is refused."""

import copy
import json
from typing import Any

import pytest

from c2d.ocean import workflow
from c2d.ocean.errors import WorkflowInvalid
from c2d.ocean.workflow import RawCode, Remote, Urls, Workflow

DID = "did:op:" + "a1" * 32
CODE = "did:op:" + "b2" * 32
STAGE = "workflow.stages[0]"
ABSENT = object()

# As a Provider of today sends it: a dataset and an algorithm of another Provider each.
SENT: dict[str, Any] = {
    "stages": [
        {
            "index": 0,
            "input": [
                {"index": 0, "id": DID, "remote": {"txId": "0x1", "serviceId": "s1", "userdata": {"age": 5}}},
            ],
            "compute": {"Instances": 1, "namespace": "ocean-compute", "maxtime": 3600},
            "algorithm": {
                "id": CODE,
                "rawcode": "",
                "container": {
                    "entrypoint": "python3.8 $ALGO",
                    "image": "oceanprotocol/algo_dockers",
                    "tag": "python-branin",
                    "checksum": "sha256:" + "c3" * 32,
                },
                "algouserdata": None,
                "remote": {"serviceEndpoint": "http://p:8030", "txId": "0x2", "serviceId": "s2", "userData": None},
                "algocustomdata": None,
            },
            "output": {"metadataUri": "http://aquarius:5000"},
        }
    ]
}
CONTAINER = {"image": "python", "tag": "3.11", "entrypoint": "python $ALGO"}
RAW = {"id": "", "url": None, "rawcode": "print(1)", "container": CONTAINER}


def sent(**parts: Any) -> dict[str, Any]:
    """SENT with other parts in its stage."""
    changed = copy.deepcopy(SENT)
    stage = changed["stages"][0]
    stage.update(parts)
    for name in [name for name, value in parts.items() if value is ABSENT]:
        del stage[name]
    return changed


def algorithm(**fields: Any) -> dict[str, Any]:
    """A workflow whose algorithm has other fields than SENT's."""
    given = {**SENT["stages"][0]["algorithm"], **fields}
    return sent(algorithm={name: value for name, value in given.items() if value is not ABSENT})


def raw(**fields: Any) -> dict[str, Any]:
    return sent(algorithm={**RAW, **fields})


def container(**fields: Any) -> dict[str, Any]:
    return raw(container={**CONTAINER, **fields})


def inputs(*given: Any) -> dict[str, Any]:
    return sent(input=list(given))


def by_url(**fields: Any) -> dict[str, Any]:
    return {"id": DID, "url": "http://files/a", **fields}


def remote(**fields: Any) -> dict[str, Any]:
    given = {"txId": "0x1", "serviceId": "s1", **fields}
    return {"id": DID, "remote": {name: value for name, value in given.items() if value is not ABSENT}}


def refused(given: object) -> WorkflowInvalid:
    with pytest.raises(WorkflowInvalid) as caught:
        workflow.parse(given)
    assert json.dumps({"error": str(caught.value)}).isascii()
    return caught.value


def test_what_a_provider_sends():
    found = workflow.parse(SENT)
    (dataset,) = found.inputs
    assert (dataset.id, dataset.index, dataset.folder) == (DID, 0, "a1" * 32)
    assert dataset.source == Remote("0x1", "s1", {"age": 5})
    assert found.algorithm.id == CODE
    assert found.algorithm.source == Remote("0x2", "s2", None, "http://p:8030")
    assert found.algorithm.container.reference == f"oceanprotocol/algo_dockers:python-branin@sha256:{'c3' * 32}"
    assert found.algorithm.container.entrypoint == "python3.8 $ALGO"
    assert (found.algorithm.custom_data, found.algorithm.user_data, found.algorithm.envs) == (None, None, {})
    assert found.output.metadata_uri == "http://aquarius:5000"


def test_a_raw_algorithm():
    found = workflow.parse(sent(algorithm=RAW)).algorithm
    assert (found.id, found.source, found.custom_data) == ("", RawCode("print(1)"), None)


def test_nothing_secret_is_shown():
    secret = {"password": "geheim"}
    given = sent(
        input=[by_url(url="http://geheim"), remote(userdata=secret) | {"id": CODE}],
        algorithm={
            **RAW,
            "rawcode": "geheim",
            "algocustomdata": secret,
            "algouserdata": secret,
            "envs": {"A": "geheim"},
        },
    )
    assert "geheim" not in repr(workflow.parse(given))


# --- inputs


@pytest.mark.parametrize(
    ("given", "source"),
    [
        pytest.param(by_url(), Urls(("http://files/a",)), id="one url"),
        pytest.param(by_url(url=["https://a", "http://b"]), Urls(("https://a", "http://b")), id="a list of urls"),
        pytest.param(by_url(remote=None), Urls(("http://files/a",)), id="a url, and no remote"),
        pytest.param(remote() | {"url": ""}, Remote("0x1", "s1"), id="remote, and an empty url"),
        pytest.param(remote() | {"url": []}, Remote("0x1", "s1"), id="remote, and no urls"),
        pytest.param(remote(serviceId=0), Remote("0x1", "0"), id="a service that has a number"),
        pytest.param(remote(userdata='{"a": 1}'), Remote("0x1", "s1", {"a": 1}), id="userdata as JSON"),
        pytest.param(remote(userdata="plain"), Remote("0x1", "s1", "plain"), id="userdata that is no JSON"),
        pytest.param(remote(userdata='"5"'), Remote("0x1", "s1", '"5"'), id="userdata that is the JSON of a text"),
        pytest.param(remote(userdata=None), Remote("0x1", "s1"), id="userdata is null"),
        pytest.param(remote(userdata={}), Remote("0x1", "s1"), id="userdata is empty"),
        pytest.param(remote(userData=[1]), Remote("0x1", "s1", [1]), id="userData"),
        pytest.param(remote(more=1), Remote("0x1", "s1"), id="fields that nobody knows"),
    ],
)
def test_where_a_dataset_comes_from(given, source):
    assert workflow.parse(inputs(given)).inputs[0].source == source


@pytest.mark.parametrize(
    ("given", "ids", "folders"),
    [
        pytest.param([], [], [], id="no dataset"),
        pytest.param(
            [by_url(id=None), by_url()], [None, DID], ["0", "a1" * 32], id="no id: the index names the folder"
        ),
        pytest.param([{"url": "http://a", "index": 7}], [None], ["7"], id="an index of its own"),
        pytest.param([by_url(id="")], [None], ["0"], id="an empty id"),
        pytest.param([by_url(id="b", index=1), by_url(id="a", index=0)], ["a", "b"], ["a", "b"], id="out of order"),
        pytest.param([by_url(id="b", index="1"), by_url(id="a", index="0")], ["a", "b"], ["a", "b"], id="as texts"),
        pytest.param([by_url(id="b"), by_url(id="a")], ["b", "a"], ["b", "a"], id="without indices: as they come"),
        pytest.param([by_url(id=7)], ["7"], ["7"], id="a number as id"),
    ],
)
def test_names_and_order_of_datasets(given, ids, folders):
    found = workflow.parse(inputs(*given)).inputs
    assert [each.id for each in found] == ids
    assert [each.folder for each in found] == folders


# --- the algorithm


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param(raw(id=""), "", id="empty stays empty"),
        pytest.param(raw(id=None), None, id="null is absent"),
        pytest.param(sent(algorithm={name: RAW[name] for name in ("rawcode", "container")}), None, id="absent"),
        pytest.param(raw(id=CODE), CODE, id="a DID"),
    ],
)
def test_the_algorithms_id(given, found):
    assert workflow.parse(given).algorithm.id == found


REMOTE = Remote("0x2", "s2", None, "http://p:8030")


@pytest.mark.parametrize(
    ("given", "source"),
    [
        pytest.param(algorithm(rawcode=None), REMOTE, id="rawcode null, remote"),
        pytest.param(algorithm(rawcode=""), REMOTE, id="rawcode empty, remote"),
        pytest.param(algorithm(rawcode=ABSENT), REMOTE, id="no rawcode, remote"),
        pytest.param(algorithm(remote=None, url="http://a"), Urls(("http://a",)), id="rawcode empty, url"),
        pytest.param(algorithm(remote=ABSENT, url=["http://a", "http://b"]), Urls(("http://a", "http://b")), id="urls"),
        pytest.param(raw(url="http://a"), RawCode("print(1)"), id="code wins over url"),
        pytest.param(algorithm(rawcode="x"), RawCode("x"), id="code wins over remote"),
        pytest.param(raw(remote={}), RawCode("print(1)"), id="an empty remote"),
    ],
)
def test_where_the_algorithm_comes_from(given, source):
    assert workflow.parse(given).algorithm.source == source


def with_remote(**fields: Any) -> dict[str, Any]:
    return {"serviceEndpoint": "http://p:8030", "txId": "0x2", "serviceId": "s2", **fields}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(algorithm(remote=with_remote(userdata={"a": 1})), id="remote.userdata"),
        pytest.param(algorithm(remote=with_remote(userData={"a": 1})), id="remote.userData"),
        pytest.param(algorithm(remote=with_remote(algouserdata={"a": 1})), id="remote.algouserdata"),
        pytest.param(algorithm(algouserdata={"a": 1}), id="algouserdata"),
        pytest.param(algorithm(algouserdata='{"a": 1}'), id="algouserdata as JSON"),
        pytest.param(algorithm(remote=with_remote(userData=""), algouserdata={"a": 1}), id="the first that is set"),
    ],
)
def test_spellings_of_the_algorithms_user_data(given):
    found = workflow.parse(given).algorithm
    assert found.user_data == found.source.user_data == {"a": 1}


def test_user_data_of_an_algorithm_that_is_not_remote():
    assert workflow.parse(raw(algouserdata={"a": 1})).algorithm.user_data == {"a": 1}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({"a": [1, "x"]}, {"a": [1, "x"]}, id="an object"),
        pytest.param('{"a": 1}', {"a": 1}, id="JSON of an object"),
        pytest.param('"{\\"a\\": 1}"', '{"a": 1}', id="JSON of JSON is decoded once"),
        pytest.param("plain text", "plain text", id="a text that is no JSON"),
        pytest.param("", "", id="an empty text"),
        pytest.param("5", 5, id="JSON of a number"),
        pytest.param("null", None, id="JSON of null"),
        pytest.param(None, None, id="null"),
        pytest.param({}, {}, id="an empty object"),
        pytest.param(False, False, id="false"),
        pytest.param("{" * 100_000, "{" * 100_000, id="a deep beginning of no JSON"),
    ],
)
def test_custom_data(given, found):
    assert workflow.parse(algorithm(algocustomdata=given)).algorithm.custom_data == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({"A": "1", "b_2": ""}, {"A": "1", "b_2": ""}, id="an object"),
        pytest.param([{"name": "A", "value": "1"}, {"name": "B"}], {"A": "1", "B": ""}, id="a list"),
        pytest.param({"A": 5, "B": None}, {"A": "5", "B": ""}, id="a number, and null"),
        pytest.param(None, {}, id="null"),
        pytest.param([], {}, id="an empty list"),
    ],
)
def test_environment_variables(given, found):
    assert workflow.parse(raw(envs=given)).algorithm.envs == found


@pytest.mark.parametrize(
    ("given", "reference"),
    [
        pytest.param({"image": "a"}, "a", id="only an image"),
        pytest.param({"image": "a", "tag": 3}, "a:3", id="a number as tag"),
        pytest.param({"image": "r:5000/a", "tag": None, "checksum": None, "entrypoint": None}, "r:5000/a", id="nulls"),
        pytest.param({"image": "a", "tag": "b", "more": 1}, "a:b", id="fields that nobody knows"),
    ],
)
def test_the_container(given, reference):
    assert workflow.parse(raw(container=given)).algorithm.container.reference == reference


# --- output and compute

OLD_OUTPUT = {
    "metadataUri": "",
    "nodeUri": 1,
    "brizoUri": "x",
    "brizoAddress": "x",
    "providerUri": "x",
    "owner": "0x1",
    "secretStoreUri": "x",
    "whitelist": [],
    "metadata": {},
    "publishOutput": False,
    "publishAlgorithmLog": False,
}


@pytest.mark.parametrize(
    ("given", "uri"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"metadataUri": None}, "", id="null"),
        pytest.param(OLD_OUTPUT, "", id="what older clients send"),
        pytest.param({"metadataUri": "https://a/b"}, "https://a/b", id="an Aquarius"),
    ],
)
def test_the_output(given, uri):
    assert workflow.parse(sent(output=given)).output.metadata_uri == uri


@pytest.mark.parametrize(
    ("given", "asset"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param(OLD_OUTPUT, None, id="what older clients send"),
        pytest.param({"publishOutput": "true"}, None, id="a text"),
        pytest.param({"metadata": {"name": "n"}}, None, id="metadata alone"),
        pytest.param({"publishOutput": True}, {}, id="an asset without words"),
        pytest.param({"publishOutput": True, "metadata": "x"}, {}, id="metadata that is none"),
        pytest.param(
            {"publishOutput": True, "metadata": {"name": "n" * 300, "license": 7, "author": "\0", "type": "dataset"}},
            {"name": "n" * 256},
            id="what can be used of them",
        ),
        pytest.param(
            {"publishOutput": True, "metadata": {"name": "n", "description": "d", "author": "a", "license": "MIT"}},
            {"name": "n", "description": "d", "author": "a", "license": "MIT"},
            id="all of it",
        ),
    ],
)
def test_an_asset_that_is_asked_for(given, asset):
    assert workflow.parse(sent(output=given)).output.asset == asset


def test_an_empty_compute_will_do():
    assert isinstance(workflow.parse(sent(compute={})), Workflow)


# --- what is refused

NO_ONE_OF = "must have one of"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(None, "Missing stages", id="no workflow"),
        pytest.param("stages", "Missing stages", id="a text"),
        pytest.param({}, "Missing stages", id="no stages"),
        pytest.param({"stages": []}, "Missing stages", id="empty stages"),
        pytest.param({"stages": {"0": {}}}, "Missing stages", id="stages that are no list"),
        pytest.param({"stages": [{}, {}]}, "Multiple stages are not supported yet", id="two stages"),
        pytest.param({"stages": [{}]}, "Missing algorithm in stage 0", id="an empty stage: the algorithm comes first"),
        pytest.param(sent(algorithm=None), "Missing algorithm in stage 0", id="null counts as missing"),
        pytest.param(sent(compute=ABSENT, input=ABSENT), "Missing compute in stage 0", id="compute before input"),
        pytest.param(sent(input=ABSENT, output=ABSENT), "Missing input in stage 0", id="input before output"),
        pytest.param(sent(output=ABSENT), "Missing output in stage 0", id="no output"),
        pytest.param(sent(algorithm={}, output=None), "Missing output in stage 0", id="what is missing comes first"),
    ],
)
def test_the_apis_own_words(given, message):
    assert str(refused(given)) == message


DEEP: Any = []
for _ in range(100):
    DEEP = [DEEP]
LONG = "x" * 1_000_001


@pytest.mark.parametrize(
    ("given", "field", "problem"),
    [
        pytest.param({"stages": [5]}, "", "must be an object", id="a stage that is a number"),
        pytest.param(sent(input={}), ".input", "must be a list", id="inputs that are no list"),
        pytest.param(sent(compute=[]), ".compute", "must be an object", id="compute that is a list"),
        pytest.param(sent(output=[1]), ".output", "must be an object", id="output that is a list"),
        pytest.param(sent(output={"metadataUri": "aquarius"}), ".output.metadataUri", "http", id="an Aquarius, no URL"),
        pytest.param(inputs(5), ".input[0]", "must be an object", id="an input that is a number"),
        pytest.param(inputs(by_url(), {"id": "x"}), ".input[1]", f"{NO_ONE_OF} url, remote", id="no source"),
        pytest.param(inputs(by_url(**remote())), ".input[0]", "both url and remote", id="two sources"),
        pytest.param(inputs(by_url(), by_url()), ".input[1]", "same folder as workflow.stages[0].input[0]", id="twice"),
        pytest.param(inputs(by_url(id=DID[7:]), by_url()), ".input[1]", "folder", id="a DID with and without its head"),
        pytest.param(inputs(by_url(id="1"), by_url(id=None)), ".input[1]", "folder", id="an id that is an index"),
        pytest.param(
            inputs(by_url(id="b", index=0), by_url(id="a", index=0)), ".input[1]", "same index", id="one index twice"
        ),
        pytest.param(
            inputs(by_url(id="b", index=1), by_url(id="a")), ".input[1]", "same index", id="an index that is a position"
        ),
        pytest.param(inputs(by_url(id="algoCustomData.json")), ".input[0]", "the custom data", id="a place of ours"),
        pytest.param(inputs(by_url(id="../x")), ".input[0].id", "must be a DID", id="an id with a way out"),
        pytest.param(inputs(by_url(id="..")), ".input[0].id", "must be a DID", id="an id that is a way out"),
        pytest.param(inputs(by_url(id="a\n")), ".input[0].id", "must be a DID", id="an id with a line end"),
        pytest.param(inputs(by_url(id="a" * 129)), ".input[0].id", "at most 128", id="a long id"),
        pytest.param(inputs(by_url(id=["x"])), ".input[0].id", "must be a string", id="an id that is a list"),
        pytest.param(inputs(by_url(id=True)), ".input[0].id", "must be a string", id="an id that is true"),
        pytest.param(inputs(by_url(index=-1)), ".input[0].index", "whole number", id="a negative index"),
        pytest.param(inputs(by_url(index=1.5)), ".input[0].index", "whole number", id="a broken index"),
        pytest.param(inputs(by_url(index=True)), ".input[0].index", "whole number", id="an index that is true"),
        pytest.param(inputs(by_url(index="\u0663")), ".input[0].index", "whole number", id="another script's digit"),
        pytest.param(inputs(by_url(index=10**9)), ".input[0].index", "whole number", id="a huge index"),
        pytest.param(inputs(*[by_url(id=f"i{i}") for i in range(65)]), ".input", "more than 64", id="65 inputs"),
        pytest.param(inputs(by_url(url=5)), ".input[0].url", "must be a URL", id="a url that is a number"),
        pytest.param(inputs(by_url(url="ftp://a")), ".input[0].url", "http", id="another scheme"),
        pytest.param(inputs(by_url(url="http://")), ".input[0].url", "http", id="a url without a host"),
        pytest.param(inputs(by_url(url="http://a/b c")), ".input[0].url", "without spaces", id="a url with a space"),
        pytest.param(inputs(by_url(url="http://a\r\nHost: b")), ".input[0].url", "http", id="a url with a header"),
        pytest.param(inputs(by_url(url="http://" + "a" * 4090)), ".input[0].url", "4096", id="a long url"),
        pytest.param(
            inputs(by_url(url=["http://a", 5.5])), ".input[0].url[1]", "must be a string", id="one url of two"
        ),
        pytest.param(inputs(by_url(url=["http://a", None])), ".input[0].url[1]", "is missing", id="a url that is null"),
        pytest.param(inputs(by_url(url={"a": 1})), ".input[0].url", "must be a string", id="a url that is an object"),
        pytest.param(inputs(by_url(url=["http://a"] * 65)), ".input[0].url", "more than 64", id="65 urls"),
        pytest.param(inputs({"id": DID, "remote": "x"}), ".input[0].remote", "must be an object", id="a remote text"),
        pytest.param(inputs(remote(txId=ABSENT)), ".input[0].remote.txId", "is missing", id="no order"),
        pytest.param(inputs(remote(serviceId=None)), ".input[0].remote.serviceId", "is missing", id="no service"),
        pytest.param(inputs(remote() | {"id": None}), ".input[0].id", "by its DID", id="remote, but of which asset"),
        pytest.param(inputs(remote(userdata=LONG)), ".input[0].remote.userdata", "1000000 bytes", id="long userdata"),
        pytest.param(inputs(remote(userdata={"a": "\0"})), ".input[0].remote.userdata", "NUL", id="NUL in userdata"),
        pytest.param(sent(algorithm={}), ".algorithm", f"{NO_ONE_OF} rawcode, url, remote", id="an empty algorithm"),
        pytest.param(sent(algorithm="x"), ".algorithm", "must be an object", id="an algorithm that is a text"),
        pytest.param(algorithm(url="http://a"), ".algorithm", "both url and remote", id="an algorithm of two sources"),
        pytest.param(algorithm(id=""), ".algorithm.id", "by its DID", id="a remote algorithm without id"),
        pytest.param(algorithm(id="a/b"), ".algorithm.id", "must be a DID", id="an algorithm's id with a slash"),
        pytest.param(algorithm(remote={"a": 1}), ".algorithm.remote.txId", "is missing", id="remote without an order"),
        pytest.param(raw(rawcode=LONG), ".algorithm.rawcode", "longer than 1000000 bytes; put the", id="long code"),
        pytest.param(
            raw(rawcode="\u00e4" * 500_001), ".algorithm.rawcode", "1000000 bytes", id="bytes, not characters"
        ),
        pytest.param(raw(rawcode=["x"]), ".algorithm.rawcode", "must be a string", id="code that is a list"),
        pytest.param(raw(rawcode="a\0"), ".algorithm.rawcode", "NUL", id="NUL in code"),
        pytest.param(raw(rawcode="\ud800"), ".algorithm.rawcode", "surrogate", id="half a character in code"),
        pytest.param(
            algorithm(remote=None, url=["http://a"] * 17),
            ".algorithm.url",
            "more than 16",
            id="17 urls of an algorithm",
        ),
        pytest.param(raw(container=None), ".algorithm.container", "is missing; name", id="no container"),
        pytest.param(raw(container=[1]), ".algorithm.container", "must be an object", id="a container that is a list"),
        pytest.param(container(image=None), ".algorithm.container.image", "is missing", id="no image"),
        pytest.param(container(image="a@sha256:1"), ".algorithm.container.image", "without tag", id="a digest inside"),
        pytest.param(container(tag="a b"), ".algorithm.container.tag", "must be a tag", id="a tag with a space"),
        pytest.param(
            container(tag=3.1), ".algorithm.container.tag", "must be a string", id="3.10 and 3.1 are one float"
        ),
        pytest.param(container(checksum="ab"), ".algorithm.container.checksum", "sha256:", id="another checksum"),
        pytest.param(container(entrypoint="a\0"), ".algorithm.container.entrypoint", "NUL", id="NUL in the command"),
        pytest.param(container(entrypoint="a" * 4097), ".algorithm.container.entrypoint", "4096", id="a long command"),
        pytest.param(raw(algocustomdata=DEEP), ".algorithm.algocustomdata", "64 levels", id="deep custom data"),
        pytest.param(raw(algocustomdata="[" * 99 + "]" * 99), ".algorithm.algocustomdata", "64 levels", id="as JSON"),
        pytest.param(
            raw(algocustomdata="[" * 10**6), ".algorithm.algocustomdata", "64 levels", id="deeper than Python"
        ),
        pytest.param(raw(algocustomdata=[LONG]), ".algorithm.algocustomdata", "1000000 bytes", id="long custom data"),
        pytest.param(raw(algocustomdata={"a": float("nan")}), ".algorithm.algocustomdata", "NaN", id="NaN"),
        pytest.param(raw(algocustomdata='{"a": NaN}'), ".algorithm.algocustomdata", "NaN", id="NaN in JSON"),
        pytest.param(raw(algocustomdata="1e999"), ".algorithm.algocustomdata", "Infinity", id="a number without end"),
        pytest.param(raw(algocustomdata=10**400), ".algorithm.algocustomdata", "far too large", id="a huge number"),
        pytest.param(raw(algocustomdata='"\\u0000"'), ".algorithm.algocustomdata", "NUL", id="NUL in JSON"),
        pytest.param(raw(algocustomdata={"\ud800": 1}), ".algorithm.algocustomdata", "surrogate", id="in a name"),
        pytest.param(raw(algocustomdata={5: 1}), ".algorithm.algocustomdata", "no JSON", id="a name that is a number"),
        pytest.param(raw(algocustomdata=b"x"), ".algorithm.algocustomdata", "no JSON", id="bytes"),
        pytest.param(raw(envs="A=1"), ".algorithm.envs", "must be an object {", id="variables as text"),
        pytest.param(raw(envs={"A-B": ""}), ".algorithm.envs", "has a name that is not", id="a name with a dash"),
        pytest.param(raw(envs={"A\n": ""}), ".algorithm.envs", "has a name that is not", id="a name with a line end"),
        pytest.param(raw(envs={"A": "x" * 4097}), ".algorithm.envs.A", "4096", id="a long value"),
        pytest.param(raw(envs={"A": "\0"}), ".algorithm.envs.A", "NUL", id="NUL in a value"),
        pytest.param(raw(envs={"A": {}}), ".algorithm.envs.A", "must be a string", id="a value that is an object"),
        pytest.param(raw(envs=[{"value": "1"}]), ".algorithm.envs[0].name", "is missing", id="a value without a name"),
        pytest.param(raw(envs=[{"name": "1"}]), ".algorithm.envs[0].name", "no digit", id="a name that is a number"),
        pytest.param(raw(envs=[{"name": "A"}] * 2), ".algorithm.envs", "has A twice", id="a name twice"),
        pytest.param(raw(envs={f"A{i}": "" for i in range(65)}), ".algorithm.envs", "more than 64", id="65 variables"),
    ],
)
def test_a_refusal_names_the_field_and_says_why(given, field, problem):
    error = refused(given)
    assert error.field == STAGE + field
    assert str(error).startswith(error.field)
    assert problem in str(error)


def test_the_largest_code_that_is_taken():
    code = "\u00e4" * 500_000
    assert workflow.parse(raw(rawcode=code)).algorithm.source == RawCode(code)


def test_custom_data_as_deep_as_it_may_be():
    deep: Any = 1
    for _ in range(64):
        deep = [deep]
    assert workflow.parse(raw(algocustomdata=deep)).algorithm.custom_data == deep
