"""POST /compute: what is asked, in which order it is judged, and what becomes of it on the cluster."""

import asyncio
import json
import logging
from typing import Any

import pytest

from c2d.kube import errors
from c2d.kube.resources import JOBS, SECRETS
from tests.kit.service import (
    OWNER,
    STATUS_KEYS,
    Provider,
    Service,
    environment,
    new_cluster,
    raw,
    running,
    until,
    workflow,
)

REQUIRED = ("workflow", "agreementId", "owner", "providerSignature", "environment", "nonce")
NO_STAGES = "`workflow` is required in the payload and must include workflow stages"
IN_USE = "`agreementId` already in use for other job."
STRANGER = Provider("0x" + "17" * 32)
BAD_SIGNATURE = "0x" + "f" * 130


async def test_the_answer_is_one_status_object_byte_by_byte(service: Service, provider: Provider) -> None:
    answer = await service.start(provider.start())
    (item,) = service.cluster.jobs()
    expected = {
        "agreementId": "0xag",
        "jobId": item["metadata"]["uid"].replace("-", ""),
        "owner": OWNER,
        "status": 1,
        "statusText": "Warming up",
        "dateCreated": "1767323045.0",
        "dateFinished": None,
        "results": "",
        "stopreq": 0,
        "removed": 0,
        "algoDID": "did:op:" + "b" * 64,
        "inputDID": ["did:op:" + "a" * 64],
    }
    assert answer.status == 200
    assert answer.body == json.dumps([expected]).encode()
    assert list(answer.json[0]) == STATUS_KEYS
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", ["absent", None, ""])
async def test_a_parameter_is_required(service: Service, provider: Provider, name: str, value: object) -> None:
    body = provider.start()
    if value == "absent":
        del body[name]
    else:
        body[name] = value
    answer = await service.start(body)
    assert answer.status == 400
    empty_workflow = name == "workflow" and value != "absent"
    assert answer.error == (NO_STAGES if empty_workflow else f'"{name}" is required in the call to POST:/compute')


async def test_the_first_missing_parameter_is_named(service: Service, provider: Provider) -> None:
    body: dict[str, Any] = {"unknown": 1}
    for name in REQUIRED:
        assert (await service.start(body)).error == f'"{name}" is required in the call to POST:/compute'
        body[name] = "something"
    assert (await service.start(body)).error == NO_STAGES


@pytest.mark.parametrize("empty", [{}, [], "", 0, "stages", 7, True], ids=repr)
async def test_a_workflow_that_is_none(service: Service, provider: Provider, empty: object) -> None:
    assert (await service.start(provider.start(workflow=empty))).error == NO_STAGES


BODIES = {
    "an empty object": (b"{}", 400, "payload seems empty."),
    "nothing": (b"", 415, ""),
    "white space": (b" \r\n", 415, ""),
    "no JSON": (b"{", 400, "the body is not JSON: "),
    "NaN": (b'{"nonce": NaN}', 400, "the body is not JSON: NaN"),
    "Infinity": (b'{"nonce": -Infinity}', 400, "the body is not JSON: -Infinity"),
    "a list": (b"[1]", 400, "the body must be a JSON object"),
    "null": (b"null", 400, "the body must be a JSON object"),
    "a text": (b'"a"', 400, "the body must be a JSON object"),
    "bytes that are no UTF-8": (b'{"a": "\xff"}', 400, "the body is not JSON: "),
    "a number of five thousand digits": (b'{"nonce": ' + b"9" * 5000 + b"}", 400, "the body is not JSON: "),
    "a million brackets": (b'{"workflow": ' + b"[" * 1_000_000, 400, "the body is not JSON: it is nested too deeply"),
    "a million braces": (b'{"a":' * 1_000_000, 400, "the body is not JSON: it is nested too deeply"),
}


@pytest.mark.parametrize(("content", "status", "text"), BODIES.values(), ids=BODIES)
async def test_a_body_that_is_no_request(service: Service, content: bytes, status: int, text: str) -> None:
    answer = await service.ask("POST", "compute", data=content, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.error[: len(text)]) == (status, text)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense"])
async def test_a_body_that_is_not_as_its_encoding_says(service: Service, encoding: str) -> None:
    for method, path in (("POST", "compute"), ("PUT", "compute"), ("GET", "environments")):
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        answer = await service.ask(method, path, data=b"these are no such bytes", headers=headers)
        # What aiohttp can't decode at all it refuses before there is a request.
        if path == "environments" and encoding in ("gzip", "deflate"):
            assert answer.status == 200
        else:
            assert 400 <= answer.status < 500 or encoding == "nonsense", (method, answer)


async def test_a_body_over_the_limit_is_told_the_limit() -> None:
    async with running(C2D_MAX_BODY_BYTES="65536") as service:
        answer = await service.start({"workflow": "x" * 65536})
    assert answer.status == 400
    assert "65536 bytes" in answer.error


async def test_any_content_type_will_do(service: Service, provider: Provider) -> None:
    content = json.dumps(provider.start()).encode()
    answer = await service.ask("POST", "compute", data=content, headers={"Content-Type": "text/plain"})
    assert answer.status == 200


async def test_the_query_is_taken_as_a_whole(service: Service, provider: Provider) -> None:
    answer = await service.ask("POST", "compute", params={"owner": OWNER}, json=provider.start())
    assert answer.error == '"workflow" is required in the call to POST:/compute'
    assert not service.cluster.jobs()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner", 5),
        ("owner", ["0x1"]),
        ("owner", "a\nb"),
        ("owner", "\ud800"),
        ("agreementId", {}),
        ("agreementId", "x" * 257),
        ("agreementId", "a\0b"),
        ("environment", 1),
        ("chainId", -1),
        ("chainId", True),
        ("chainId", 1.5),
        ("chainId", "0x1"),
        ("chainId", [1]),
        ("chainId", 10**30),
        ("validUntil", -1),
        ("validUntil", "tomorrow"),
        ("validUntil", 10**17),
    ],
    ids=repr,
)
async def test_values_that_can_not_be(service: Service, provider: Provider, name: str, value: object) -> None:
    signature = provider.sign("x")
    answer = await service.start(provider.start(**{name: value, "providerSignature": signature}))
    assert answer.status == 400
    assert f'"{name}"' in answer.error


async def test_the_signature_comes_before_all_that_looks_at_state(service: Service, provider: Provider) -> None:
    """Whether an agreement is in use, or an environment there, is nobody's business who may not ask."""
    assert (await service.start(provider.start())).status == 200
    for changes in ({}, {"environment": "none"}, {"workflow": {"stages": []}}):
        garbage = await service.start(provider.start(providerSignature="garbage", **changes))
        assert (garbage.status, garbage.error) == (400, "Failed to recover address")
        stranger = await service.start(STRANGER.start(**changes))
        assert stranger.status == 401


async def test_state_is_looked_at_in_the_order_of_the_contract(service: Service, provider: Provider) -> None:
    bad = {"environment": "none", "workflow": {"stages": []}}
    assert (await service.start(provider.start(**bad))).error == "Environment invalid or does not exist"
    assert (await service.start(provider.start(workflow={"stages": []}))).error == "Missing stages"
    assert (await service.start(provider.start())).status == 200
    assert (await service.start(provider.start(**bad))).error == IN_USE


def stage_without(name: str) -> dict[str, Any]:
    made = workflow()
    del made["stages"][0][name]
    return made


WORKFLOWS = {
    "no stages": ({"other": 1}, "Missing stages"),
    "stages that are null": ({"stages": None}, "Missing stages"),
    "stages that are an object": ({"stages": {"0": {}}}, "Missing stages"),
    "no stage": ({"stages": []}, "Missing stages"),
    "two stages": ({"stages": [{}, {}]}, "Multiple stages are not supported yet"),
    "nothing in the stage": ({"stages": [{}]}, "Missing algorithm in stage 0"),
    "no algorithm": (stage_without("algorithm"), "Missing algorithm in stage 0"),
    "no compute": (stage_without("compute"), "Missing compute in stage 0"),
    "no input": (stage_without("input"), "Missing input in stage 0"),
    "no output": (stage_without("output"), "Missing output in stage 0"),
}


@pytest.mark.parametrize(("asked", "text"), WORKFLOWS.values(), ids=WORKFLOWS)
async def test_what_a_workflow_lacks(service: Service, provider: Provider, asked: Any, text: str) -> None:
    answer = await service.start(provider.start(workflow=asked))
    assert (answer.status, answer.error) == (400, text)
    assert not service.cluster.jobs()


async def test_an_empty_output_takes_the_default_metadata_uri(provider: Provider) -> None:
    async with running(C2D_METADATA_URI="http://aquarius.example.com") as service:
        assert (await service.start(provider.start(workflow=workflow(output={})))).status == 200
        (item,) = service.cluster.jobs()
    assert item["spec"]["inputs"][0]["service"]["metadataUri"] == "http://aquarius.example.com"


async def test_what_older_clients_put_into_the_output_is_no_error(service: Service, provider: Provider) -> None:
    names = ("publishOutput", "publishAlgorithmLog", "brizoUri", "brizoAddress", "nodeUri", "owner", "secretStoreUri")
    output = {name: "x" for name in (*names, "whitelist", "metadata", "providerUri")}
    assert (await service.start(provider.start(workflow=workflow(output=output)))).status == 200


async def test_results_become_an_asset_where_the_environment_makes_assets(provider: Provider) -> None:
    asked = workflow(output={"publishOutput": True, "metadata": {"name": "Branin, solved"}})
    offer = {"chainId": 8996, "providerUrl": "http://provider.example.com"}
    cluster = new_cluster(environment("assets", resultsAssets=offer))
    async with running(cluster) as service:
        for name, agreement in (("assets", "0xa1"), ("ocean-compute", "0xa2")):
            start = provider.start(workflow=asked, environment=name, agreementId=agreement)
            assert (await service.start(start)).status == 200
    found = {item["spec"]["environment"]: item["spec"].get("resultsAsset") for item in service.cluster.jobs()}
    assert found == {"assets": {"name": "Branin, solved"}, "ocean-compute": None}


@pytest.mark.parametrize(
    ("asset", "expected"),
    [
        ({"id": ...}, "raw"),
        ({"id": None}, "raw"),
        ({"id": ""}, ""),
        ({"id": "did:op:" + "c" * 64}, "did:op:" + "c" * 64),
    ],
    ids=["no id", "null", "an empty one", "a DID"],
)
async def test_the_algorithms_did(service: Service, provider: Provider, asset: dict[str, Any], expected: str) -> None:
    algorithm = {name: value for name, value in raw(**asset).items() if value is not ...}
    (status,) = (await service.start(provider.start(workflow=workflow(algorithm=algorithm)))).json
    assert status["algoDID"] == expected


async def test_inputs_without_an_id_are_left_out_of_the_dids(service: Service, provider: Provider) -> None:
    inputs = [
        {"index": 1, "id": "did:op:" + "d" * 64, "remote": {"txId": "0x1", "serviceId": "s"}},
        {"index": 0, "url": ["http://a.example.com/1", "http://a.example.com/2"]},
    ]
    (status,) = (await service.start(provider.start(workflow=workflow(input=inputs)))).json
    assert status["inputDID"] == ["did:op:" + "d" * 64]


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, None), (None, None), ("", None), (1705859199, "2024-01-21T17:46:39Z"), ("1705859199", "2024-01-21T17:46:39Z")],
)
async def test_the_end_that_was_paid_for(service: Service, provider: Provider, given: object, expected: object) -> None:
    """One that is over counts: the engine gives such a run its minimum."""
    assert (await service.start(provider.start(validUntil=given))).status == 200
    (item,) = service.cluster.jobs()
    assert item["spec"].get("validUntil") == expected


@pytest.mark.parametrize("chain", [8996, "8996"])
async def test_chains_are_compared_as_texts(provider: Provider, chain: object) -> None:
    cluster = new_cluster(environment("restricted", allowedChainIds=[1, 8996]))
    async with running(cluster) as service:
        assert (await service.start(provider.start(environment="restricted", chainId=chain))).status == 200
        other = await service.start(provider.start(environment="restricted", chainId=137, agreementId="0xother"))
        assert (other.status, other.error) == (400, "Environment invalid or does not exist")


async def test_optional_parameters_may_be_absent(service: Service, provider: Provider) -> None:
    body = provider.start()
    for name in ("providerAddress", "validUntil", "chainId"):
        del body[name]
    assert (await service.start(body)).status == 200
    (item,) = service.cluster.jobs()
    assert not {"validUntil", "chainId"} & set(item["spec"])


async def test_the_job_on_the_cluster(service: Service, provider: Provider) -> None:
    assert (await service.start(provider.start())).status == 200
    (item,) = service.cluster.jobs()
    assert item["spec"] == {
        "environment": "ocean-compute",
        "owner": OWNER,
        "agreementId": "0xag",
        "chainId": 8996,
        "inputs": [
            {
                "id": "did:op:" + "a" * 64,
                "service": {"serviceId": "s1", "transferTxId": "0x11", "metadataUri": "http://aquarius:5000"},
            }
        ],
        "algorithm": {
            "id": "did:op:" + "b" * 64,
            "source": {
                "service": {"serviceId": "s2", "transferTxId": "0x22", "metadataUri": "http://aquarius:5000"},
            },
            "container": {
                "image": "oceanprotocol/algo_dockers",
                "tag": "branin",
                "checksum": "",
                "entrypoint": "python3.8 $ALGO",
            },
            "env": [],
        },
    }
    assert item["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "c2d-service"}
    assert "finalizers" not in item["metadata"]
    assert not service.cluster.secrets()


async def test_a_job_waits_for_the_archive(archived: Service, provider: Provider) -> None:
    await archived.start(provider.start())
    assert archived.cluster.jobs()[0]["metadata"]["finalizers"] == ["c2d.oceanprotocol.com/archive"]


async def test_a_lifetime_of_finished_jobs(provider: Provider) -> None:
    async with running(C2D_JOB_TTL_SECONDS="3600") as service:
        await service.start(provider.start())
        assert service.cluster.jobs()[0]["spec"]["ttlSecondsAfterFinished"] == 3600


PRIVATE = {
    "the token in a URL": "token-in-a-url",
    "the code": "print('the code')",
    "the consumer's parameters of a dataset": "user-data-of-input",
    "the consumer's parameters of the algorithm": "user-data-of-algorithm",
    "the custom data": "custom-data-of-run",
}


def secretive(code: bool) -> dict[str, Any]:
    """A workflow with everything private in it."""
    inputs = [
        {"index": 0, "id": "did:op:aa", "url": "https://example.com/?sig=token-in-a-url"},
        {
            "index": 1,
            "id": "did:op:bb",
            "remote": {"txId": "0x1", "serviceId": "s", "userdata": {"a": "user-data-of-input"}},
        },
    ]
    custom = {"p": "custom-data-of-run"}
    if code:
        algorithm = raw("print('the code')", algocustomdata=custom)
    else:
        remote = {"txId": "0x2", "serviceId": "s", "userData": json.dumps({"b": "user-data-of-algorithm"})}
        algorithm = raw(id="did:op:cc", rawcode="", remote=remote, algocustomdata=custom)
    return workflow(input=inputs, algorithm=algorithm)


@pytest.mark.parametrize("code", [True, False], ids=["raw code", "an asset"])
async def test_private_parts_are_in_secrets_and_nowhere_else(
    service: Service, provider: Provider, caplog: pytest.LogCaptureFixture, code: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    body = provider.start(workflow=secretive(code))
    answer = await service.start(body)
    assert answer.status == 200
    job = json.dumps(service.cluster.jobs())
    kept = json.dumps(service.cluster.secrets())
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    absent = "the consumer's parameters of the algorithm" if code else "the code"
    for what, text in PRIVATE.items():
        assert text not in job, what
        assert text not in answer.body.decode(), what
        assert text not in logged, what
        assert (text in kept) == (what != absent), what
    assert body["providerSignature"] not in job + kept + logged


@pytest.mark.parametrize("code", [True, False], ids=["raw code", "an asset"])
async def test_what_the_job_refers_to_is_there(service: Service, provider: Provider, code: bool) -> None:
    await service.start(provider.start(workflow=secretive(code)))
    (item,) = service.cluster.jobs()
    references = list(_references(item["spec"]))
    kept = service.cluster.secrets()
    assert {(name, key) for name, texts in kept.items() for key in texts} == set(references)
    assert len(references) == (4 if code else 5) - (0 if code else 1)
    for secret in service.cluster.all(SECRETS):
        (owner,) = secret["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == (
            "ComputeJob",
            item["metadata"]["name"],
            item["metadata"]["uid"],
        )
        assert secret["immutable"] is True
        assert secret["metadata"]["labels"]["c2d.oceanprotocol.com/job-uid"] == item["metadata"]["uid"]
    assert all(name.startswith(item["metadata"]["name"]) for name in kept)


def _references(value: object) -> Any:
    if isinstance(value, dict):
        if "secretKeyRef" in value:
            yield value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"a": 1}, '{"a": 1}'),
        ('{"a": 1}', '{"a": 1}'),
        ("just text", '"just text"'),
        ([1, "ü"], '[1, "ü"]'),
        (0, "0"),
        (False, "false"),
    ],
    ids=repr,
)
async def test_custom_data_is_encoded_once(service: Service, provider: Provider, given: object, kept: str) -> None:
    answer = await service.start(provider.start(workflow=workflow(algorithm=raw(algocustomdata=given))))
    assert answer.status == 200
    (texts,) = service.cluster.secrets().values()
    assert json.loads(texts["custom-data"]) == json.loads(kept)


@pytest.mark.parametrize("where", ["remote.userdata", "remote.userData", "remote.algouserdata", "algouserdata"])
async def test_the_algorithms_user_data_has_four_names(service: Service, provider: Provider, where: str) -> None:
    remote: dict[str, Any] = {"txId": "0x2", "serviceId": "s"}
    algorithm = raw(id="did:op:cc", rawcode=None, remote=remote)
    place = remote if where.startswith("remote.") else algorithm
    place[where.removeprefix("remote.")] = {"x": "&é"}
    assert (await service.start(provider.start(workflow=workflow(algorithm=algorithm)))).status == 200
    (texts,) = service.cluster.secrets().values()
    assert json.loads(texts["algorithm-user-data"]) == {"x": "&é"}


async def test_extra_environment_variables(service: Service, provider: Provider) -> None:
    algorithm = raw(envs={"ALPHA": "1", "_b": 2})
    assert (await service.start(provider.start(workflow=workflow(algorithm=algorithm)))).status == 200
    env = service.cluster.jobs()[0]["spec"]["algorithm"]["env"]
    assert env == [{"name": "ALPHA", "value": "1"}, {"name": "_b", "value": "2"}]


@pytest.mark.parametrize("name", ["a b", "1a", "a=b", "", "a\0", "ü"])
async def test_names_of_variables_are_checked(service: Service, provider: Provider, name: str) -> None:
    answer = await service.start(provider.start(workflow=workflow(algorithm=raw(envs={name: "1"}))))
    assert answer.status == 400
    assert "envs" in answer.error


CODES = {
    "600 kB": "x" * 600_000,
    "a million bytes": "é" * 500_000,
    "a million control characters": "\x01" * 1_000_000,
    "a million quotes": '"' * 1_000_000,
    "a quarter of a million emoji": "\U0001f600" * 250_000,
}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
async def test_long_code_is_taken(service: Service, provider: Provider, code: str) -> None:
    answer = await service.start(provider.start(workflow=workflow(algorithm=raw(code))))
    assert answer.status == 200, answer.body[:300]
    assert [text for texts in service.cluster.secrets().values() for text in texts.values()] == [code]


async def test_code_that_is_too_long_is_told_the_bound(service: Service, provider: Provider) -> None:
    answer = await service.start(provider.start(workflow=workflow(algorithm=raw("x" * 2_000_000))))
    assert answer.status == 400
    assert "rawcode" in answer.error
    assert "1000000 bytes" in answer.error
    assert not service.cluster.jobs()


async def test_what_one_secret_has_no_room_for_is_in_several(service: Service, provider: Provider) -> None:
    inputs = [
        {
            "index": index,
            "id": f"did:op:{index}",
            "remote": {"txId": "0x1", "serviceId": "s", "userdata": {"n": index, "x": "y" * 450_000}},
        }
        for index in range(5)
    ]
    algorithm = raw("c" * 900_000, algocustomdata={"z": "z" * 700_000})
    answer = await service.start(provider.start(workflow=workflow(input=inputs, algorithm=algorithm)))
    assert answer.status == 200, answer.body[:300]
    kept = service.cluster.secrets()
    assert len(kept) > 3
    assert all(sum(len(text.encode()) for text in texts.values()) <= 1024 * 1024 for texts in kept.values())
    (item,) = service.cluster.jobs()
    for index, each in enumerate(item["spec"]["inputs"]):
        reference = each["service"]["userDataFrom"]["secretKeyRef"]
        assert json.loads(kept[reference["name"]][reference["key"]])["n"] == index


@pytest.mark.parametrize("depth", [10, 50, 500, 900, *range(930, 1000, 7), 2000])
async def test_nesting_of_any_depth_is_refused_not_a_bug(service: Service, provider: Provider, depth: int) -> None:
    """Between what a decoder reads and what an encoder writes there are some levels."""
    nested = '{"a":' * depth + "1" + "}" * depth
    content = json.dumps(provider.start(workflow={"stages": "HERE"})).replace('"HERE"', nested)
    answer = await service.ask("POST", "compute", data=content.encode())
    assert answer.status == 400


async def test_the_clusters_refusal_is_the_clients(service: Service, provider: Provider) -> None:
    async def refuse(what: str) -> None:
        if what.startswith("create computejobs"):
            raise errors.Rejected("exceeded quota: jobs")

    service.client.pause = refuse
    answer = await service.start(provider.start())
    assert answer.status == 400
    assert "exceeded quota" in answer.error


async def test_a_secret_that_the_cluster_refuses_is_no_bug(service: Service, provider: Provider) -> None:
    async def refuse(what: str) -> None:
        if what.startswith("create secrets"):
            raise errors.Rejected("exceeded quota: secrets")

    service.client.pause = refuse
    answer = await service.start(provider.start(workflow=workflow(algorithm=raw())))
    assert answer.status in (400, 503)
    assert "exceeded quota" in answer.error


@pytest.mark.parametrize("where", ["create computejobs", "create secrets"])
async def test_a_cluster_that_is_away_is_worth_a_retry(service: Service, provider: Provider, where: str) -> None:
    away = True

    async def pause(what: str) -> None:
        if away and what.startswith(where):
            raise errors.Unavailable("the API server can't be reached")

    service.client.pause = pause
    body = provider.start(workflow=workflow(algorithm=raw()))
    answer = await service.start(body)
    assert answer.status == 503
    assert answer.error
    away = False
    assert (await service.start(body)).status == 200
    assert len(service.cluster.jobs()) == len(service.cluster.secrets()) == 1


async def test_a_client_that_leaves_does_not_leave_half_a_job(service: Service, provider: Provider) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def pause(what: str) -> None:
        if what.startswith("create secrets"):
            asked.set()
            await go_on.wait()

    service.client.pause = pause
    asking = asyncio.create_task(service.start(provider.start(workflow=workflow(algorithm=raw()))))
    await asked.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    go_on.set()
    await until(lambda: bool(service.cluster.secrets()))
    assert len(service.cluster.all(JOBS)) == 1
