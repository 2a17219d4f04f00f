"""`c2d provider`: what it asks an operator-service, and what it makes of the answers."""

import json
import pathlib
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from c2d.cli import errors, main, provider_file, provider_service, provider_work
from c2d.cli.provider_request import Caller
from c2d.cli.provider_result import Download, new_file, safe_name
from c2d.ocean.signatures import PrivateKey, recover
from tests.unit.cli.operator_service import JOB, Answer, Asked, OperatorService, said, status

KEY = "0x1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090"
ADDRESS = "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
OWNER = "0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA"
WORKFLOW = {"stages": [{"anything": "the service judges"}]}


@pytest.fixture
def service() -> Iterator[OperatorService]:
    with OperatorService().running() as running:
        yield running


def provider(service: OperatorService, *arguments: str, content: str = "", **environ: str) -> Result:
    # Of the developer's own shell nothing counts.
    ours = {"C2D_SERVICE_URL": service.url, "C2D_PROVIDER_KEY": KEY, "C2D_ENVIRONMENT": "", "COLUMNS": "200"}
    environ = {**ours, **environ}
    answer = CliRunner().invoke(main.app, ["provider", *arguments], input=content, env=environ)
    assert KEY[2:] not in answer.output
    return answer


def start(service: OperatorService, *arguments: str, content: Any = WORKFLOW, **environ: str) -> Result:
    text = content if isinstance(content, str) else json.dumps(content)
    return provider(service, "start", "-", *arguments, content=text, **environ)


def signer(asked: Asked, text: str) -> str:
    given = asked.json if asked.method == "POST" else asked.query
    return recover(f"{text}{given['nonce']}", given["providerSignature"])


# --- start


def test_a_start_is_signed_and_has_what_the_service_needs(service):
    answer = start(service, "--owner", OWNER, "-e", "small", "--agreement", "0xag", "--chain-id", "8996")
    (asked,) = service.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/api/v1/operator/compute", {})
    assert asked.content_type == "application/json"
    assert signer(asked, OWNER) == ADDRESS
    sent = asked.json
    assert abs(sent.pop("nonce") - time.time_ns()) < 60 * 10**9
    assert sent.pop("providerSignature").startswith("0x")
    assert sent == {
        "workflow": WORKFLOW,
        "environment": "small",
        "agreementId": "0xag",
        "chainId": 8996,
        "owner": OWNER,
        "providerAddress": ADDRESS,
    }
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, status())


def test_what_a_start_takes_when_nothing_is_said(service):
    answer = start(service)
    sent = service.asked[0].json
    assert (sent["environment"], sent["owner"]) == ("default", ADDRESS)
    assert re.fullmatch("0x[0-9a-f]{64}", sent["agreementId"])
    assert sent["agreementId"] in answer.stderr
    assert "validUntil" not in sent


BODY = {
    "workflow": WORKFLOW,
    "environment": "theirs",
    "agreementId": "0xtheirs",
    "owner": OWNER,
    "validUntil": 5,
    "chainId": 1,
    "nonce": 1,
    "providerSignature": "0xold",
    "providerAddress": "0xold",
}


def test_a_body_of_post_compute_is_signed_anew(service):
    start(service, content=BODY)
    sent = service.asked[0].json
    assert {name: sent[name] for name in BODY if BODY[name] == sent[name]} == {
        name: BODY[name] for name in ("workflow", "environment", "agreementId", "owner", "validUntil", "chainId")
    }
    assert signer(service.asked[0], OWNER) == ADDRESS


def test_options_win_over_the_file(service):
    start(
        service, "--owner", ADDRESS, "--valid-until", "60", "--agreement", "0xmine", content=BODY, C2D_ENVIRONMENT="e"
    )
    sent = service.asked[0].json
    assert (sent["owner"], sent["agreementId"], sent["environment"]) == (ADDRESS, "0xmine", "e")
    assert 0 <= sent["validUntil"] - time.time() <= 60


def test_a_file_may_be_yaml(service, tmp_path):
    file = tmp_path / "workflow.yaml"
    file.write_text("stages: [{input: []}]")
    provider(service, "start", str(file))
    assert service.asked[0].json["workflow"] == {"stages": [{"input": []}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"{}", "holds no workflow", id="no workflow"),
        pytest.param(b"[1]", "holds no workflow", id="a list"),
        pytest.param(b"a: b: c", "is neither JSON nor YAML", id="a wrong line"),
        pytest.param(b"stages: [2026-01-02]", "what JSON can hold", id="a date"),
        pytest.param(b"\xff\xfe\x00", "is neither JSON nor YAML", id="no text"),
        pytest.param(b"[" * 100_000, "is neither JSON nor YAML", id="too deep"),
    ],
)
def test_another_file_is_refused(content, message):
    with pytest.raises(errors.Misused, match=message) as caught:
        provider_file.parse(content, "file")
    assert caught.value.remedy


def test_a_file_that_is_not_there():
    with pytest.raises(errors.Misused, match="can't be read: No such file"):
        provider_file.read("nowhere.json")


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        pytest.param(status(70, "Job finished"), 0, id="success"),
        pytest.param(status(70, "Job finished: AlgorithmFailed (exit code 3)"), 1, id="failure"),
        pytest.param(status(31, "Data provisioning failed"), 1, id="no data"),
        pytest.param(status(32, "Algorithm provisioning failed"), 1, id="no algorithm"),
        pytest.param(status(None, "?"), 1, id="a job that was lost"),
    ],
)
def test_with_wait_only_success_is_0(service, ended, code):
    service.will_say(said([ended]))
    answer = start(service, "--wait")
    assert (answer.exit_code, json.loads(answer.stdout)) == (code, ended)


class Away:
    """A service that gives these answers in turn, None for none."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.queries = list(answers), list[dict[str, str]]()

    async def call(self, method: str, path: str, query: dict[str, str]) -> Any:
        self.queries.append(query)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise errors.Unanswered("away")
        return [answer]


async def wait(service: Away) -> dict[str, Any]:
    nonces = iter(range(10**6))
    caller = Caller(PrivateKey(KEY), OWNER)
    return await provider_work.to_the_end(service, caller, status(), lambda: next(nonces), no_sleep)  # type: ignore[arg-type]


async def no_sleep(_: float) -> None:
    pass


async def test_waiting_asks_with_a_new_nonce_until_the_end():
    service = Away(status(), status(40, "Running algorithm "), None, status(60), status(70, "Job finished"))
    assert (await wait(service))["status"] == 70
    assert [query["nonce"] for query in service.queries] == ["0", "1", "2", "3", "4"]
    assert all(query["jobId"] == JOB for query in service.queries)


async def test_waiting_ends_when_the_service_stays_away():
    service = Away(None)
    with pytest.raises(errors.Unanswered):
        await wait(service)
    assert len(service.queries) == 30


# --- status, stop, remove, environments


@pytest.mark.parametrize(
    ("arguments", "method", "signed", "named"),
    [
        pytest.param(["status"], "GET", OWNER, {}, id="all"),
        pytest.param(["status", JOB], "GET", OWNER + JOB, {"jobId": JOB}, id="a job"),
        pytest.param(["status", "--agreement", "0xa"], "GET", OWNER, {"agreementId": "0xa"}, id="an agreement"),
        pytest.param(["stop", JOB], "PUT", OWNER + JOB, {"jobId": JOB}, id="stop a job"),
        pytest.param(["stop", "--agreement", "0xa"], "PUT", OWNER, {"agreementId": "0xa"}, id="stop an agreement"),
        pytest.param(["stop", "--all"], "PUT", OWNER, {}, id="stop all"),
        pytest.param(["remove", JOB], "DELETE", OWNER + JOB, {"jobId": JOB}, id="remove a job"),
    ],
)
def test_other_requests_have_a_query_string_and_an_empty_body(service, arguments, method, signed, named):
    answer = provider(service, *arguments, "--owner", OWNER)
    (asked,) = service.asked
    assert (asked.method, asked.path, asked.body) == (method, "/api/v1/operator/compute", b"")
    assert asked.content_type == "application/json"
    assert signer(asked, signed) == ADDRESS
    assert set(asked.query) == {"owner", "providerAddress", "providerSignature", "nonce", *named}
    assert {name: asked.query[name] for name in named} == named
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, status() if JOB in arguments else [status()])


def test_environments_need_no_key(service):
    service.will_say(said([{"id": "small"}]))
    answer = CliRunner().invoke(main.app, ["provider", "environments", "--url", f"{service.url}/"])
    assert (service.asked[0].path, service.asked[0].query) == ("/api/v1/operator/environments", {})
    assert json.loads(answer.stdout) == [{"id": "small"}]


def test_a_service_below_a_path(service):
    provider(service, "environments", "--url", f"{service.url}/c2d")
    assert service.asked[0].path == "/c2d/api/v1/operator/environments"


def test_what_a_service_writes_does_not_act_on_a_terminal(service):
    service.will_say(said([status(text="\x1b[2J\u202e")]))
    assert provider(service, "status").stdout.isascii()
    assert "\x1b" not in provider(service, "status").stdout


# --- errors


def error(text: str, code: int = 400) -> Answer:
    return said({"error": text}, code)


UNAUTHORIZED = (
    "Invalid signature 0x of documentId a, the signing ethereum account b is not authorized to use this service."
)


@pytest.mark.parametrize(
    ("answer", "kind", "message", "remedy"),
    [
        pytest.param(error("Missing stages"), errors.Refused, "Missing stages", "", id="its own words"),
        pytest.param(error(UNAUTHORIZED, 401), errors.Refused, "is not authorized", f"Add {ADDRESS}", id="not allowed"),
        pytest.param(error("a\x1b[2Jb"), errors.Refused, "a\ufffd[2Jb", "", id="words that act on a terminal"),
        pytest.param(error("starting", 503), errors.Unanswered, "starting", "Try again", id="patience"),
        pytest.param(Answer(b"<html>", 404), errors.Refused, "status 404: <html>", "--url", id="something else"),
        pytest.param(Answer(b"<html>", 302), errors.Refused, "status 302", "--url", id="a redirection"),
        pytest.param(Answer(b"<html>"), errors.Refused, "no JSON", "--url", id="a page"),
        pytest.param(said([]), errors.NotAvailable, "no such job", "provider status", id="no job"),
    ],
)
def test_what_the_service_says_is_told_with_a_remedy(service, answer, kind, message, remedy):
    service.will_say(answer)
    caught = provider(service, "status", JOB).exception
    assert type(caught) is kind
    assert message in str(caught)
    assert remedy in caught.remedy
    assert errors.explain(caught).exit_code == 1


def test_a_service_that_is_not_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        answer = CliRunner().invoke(main.app, ["provider", "environments", "--url", url])
    assert isinstance(answer.exception, errors.Unanswered)
    assert url in str(answer.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["stop"], id="stop what"),
        pytest.param(["stop", JOB, "--all"], id="stop one or all"),
        pytest.param(["status", "--key", "0x1234"], id="a short key"),
        pytest.param(["status", "--key", "0" * 64], id="a key of zeros"),
        pytest.param(["status", "--url", "localhost:8050"], id="no scheme"),
        pytest.param(["status", "--url", "http://"], id="no host"),
        pytest.param(["status", "--url", "http://a:x"], id="no port"),
        pytest.param(["status", "--url", "http://[a"], id="half a host"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(service, arguments):
    answer = provider(service, *arguments)
    assert isinstance(answer.exception, errors.Misused)
    assert answer.exception.remedy
    assert service.asked == []


def test_a_key_is_never_shown():
    answer = CliRunner().invoke(main.app, ["provider", "status", "--help"], env={"C2D_PROVIDER_KEY": KEY})
    assert KEY not in answer.output
    assert "C2D_PROVIDER_KEY" in answer.output


# --- result

CONTENT = bytes(range(256)) * 4096


def content(body: bytes = CONTENT, name: str = "o.txt", start: int = 0, **fields: Any) -> Answer:
    headers = {"Content-Disposition": f"attachment;filename={name}"}
    if start:
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
    return Answer(body[start:], 206 if start else 200, headers, **fields)


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_result_goes_to_a_file_of_its_own_name(service, folder):
    service.will_say(content())
    answer = provider(service, "result", JOB, "0", "--owner", OWNER)
    (asked,) = service.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/api/v1/operator/getResult", b"")
    assert signer(asked, OWNER + JOB) == ADDRESS
    assert set(asked.query) == {"index", "owner", "jobId", "providerSignature", "nonce"}
    assert (answer.exit_code, files(folder)) == (0, {"o.txt": CONTENT})


def test_a_result_goes_to_the_output(service, folder):
    service.will_say(content())
    assert provider(service, "result", JOB, "0", "-o", "-").stdout_bytes == CONTENT
    assert files(folder) == {}


def test_an_empty_result(service, folder):
    service.will_say(content(b""))
    provider(service, "result", JOB, "0")
    assert files(folder) == {"o.txt": b""}


@pytest.mark.parametrize("arguments", [pytest.param([], id="its own name"), pytest.param(["-o", "o.txt"], id="-o")])
def test_a_file_that_is_there_is_replaced_with_force_only(service, folder, arguments):
    (folder / "o.txt").write_bytes(b"mine")
    service.will_say(content(b"new"))
    answer = provider(service, "result", JOB, "0", *arguments)
    assert isinstance(answer.exception, errors.Misused)
    assert files(folder) == {"o.txt": b"mine"}
    assert provider(service, "result", JOB, "0", *arguments, "--force").exit_code == 0
    assert files(folder) == {"o.txt": b"new"}


def test_no_result_leaves_no_file(service, folder):
    service.will_say(error("No such index 5 in this compute job", 404))
    answer = provider(service, "result", JOB, "5", "-o", "new")
    assert isinstance(answer.exception, errors.Refused)
    assert files(folder) == {}


def test_a_folder_that_is_not_there(service, folder):
    service.will_say(content())
    answer = provider(service, "result", JOB, "0", "-o", "none/o.txt")
    assert isinstance(answer.exception, errors.Misused)


@pytest.mark.parametrize("force", [False, True])
def test_what_breaks_off_leaves_what_was_there(folder, force):
    if force:
        (folder / "o").write_bytes(b"mine")
    with pytest.raises(errors.Unanswered), new_file(folder / "o", force=force) as file:
        file.write(b"half")
        raise errors.Unanswered("away")
    assert files(folder) == ({"o": b"mine"} if force else {})


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        pytest.param("attachment;filename=o.txt", "o.txt", id="as the service writes it"),
        pytest.param('attachment; filename="a b.txt"; size=5', "a b.txt", id="with quotes"),
        pytest.param("attachment;filename=../../etc/passwd", "passwd", id="folders"),
        pytest.param("attachment;filename=..\\x.txt", "x.txt", id="other folders"),
        pytest.param("attachment;filename=.bashrc", "bashrc", id="hidden"),
        pytest.param("attachment;filename=-rf", "rf", id="like an option"),
        pytest.param("attachment;filename=..", "result-3", id="a folder only"),
        pytest.param("attachment;filename=a\x1b[2J\u202e\ud800.txt", "a[2J.txt", id="what can't be printed"),
        pytest.param("attachment;filename=" + "\u00e4" * 300, "\u00e4" * 100, id="too long"),
        pytest.param("attachment", "result-3", id="no name"),
        pytest.param("", "result-3", id="nothing"),
    ],
)
def test_a_name_that_is_safe(disposition, name):
    assert safe_name(disposition, 3) == name


async def fetch(service: OperatorService) -> bytes:
    nonces = iter(range(100))
    caller = Caller(PrivateKey(KEY), OWNER)
    async with provider_service.connect(service.url) as connected:
        download = Download(connected, lambda: caller.result_query(next(nonces), JOB, 0), no_sleep)
        return b"".join([chunk async for chunk in download.chunks()])


HALF = 500_000


async def test_a_transfer_goes_on_where_it_broke_off(service):
    service.will_say(content(cut=HALF), content(start=HALF))
    assert await fetch(service) == CONTENT
    assert [asked.range for asked in service.asked] == [None, f"bytes={HALF}-"]
    assert [asked.query["nonce"] for asked in service.asked] == ["0", "1"]


async def test_a_transfer_goes_on_where_ranges_are_unknown(service):
    service.will_say(content(cut=HALF), error("starting", 503), content())
    assert await fetch(service) == CONTENT


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(content(start=HALF + 1), id="another range"),
        pytest.param(Answer(CONTENT, 200, {"ETag": '"other"'}), id="another version"),
        pytest.param(Answer(CONTENT, 206), id="a range without its place"),
    ],
)
async def test_bytes_of_two_results_are_never_joined(service, after):
    service.will_say(content(cut=HALF), after)
    with pytest.raises(errors.Refused, match="other bytes"):
        await fetch(service)


async def test_a_transfer_that_never_goes_on_is_given_up(service):
    service.will_say(content(cut=HALF), error("starting", 503))
    with pytest.raises(errors.Unanswered):
        await fetch(service)
    assert len(service.asked) == 5


async def test_no_range_of_nothing(service):
    service.will_say(Answer(CONTENT, 206, {"Content-Range": "bytes 0-5/6"}))
    assert await fetch(service) == CONTENT
