"""Whole jobs on a real kubelet, from the request to what lies in the store."""

import json

import pytest

from c2d.api.phases import Phase
from tests.kit.live import Live

SHORT = {"maxJobDurationSeconds": 5}


async def test_a_job_computes_on_its_data_and_only_its_results_leave(story: Live) -> None:
    url = story.site.url_of("numbers", b"1\n2\n3\n")
    code = """
import json, os, pathlib
did = json.loads(os.environ["DIDS"])[0]
numbers = pathlib.Path("data/inputs", did, "0").read_text().split()
parameters = json.loads(pathlib.Path("/data/inputs/algoCustomData.json").read_text())
pathlib.Path("/data/outputs/deep").mkdir()
pathlib.Path("/data/outputs/deep/sum").write_text(str(sum(map(int, numbers)) * parameters["factor"]))
print("computed")
"""
    job = await story.when_submitted(
        inputs=[{"id": "did:op:abc", "files": [{"url": url}]}],
        algorithm={**algorithm(story, code), "customData": {"factor": 7}},
    )
    status = await story.then_ended(job)
    assert (status["phase"], status["code"], status["text"]) == (Phase.SUCCEEDED, 70, "Job finished")
    results = story.results(status)
    assert list(results) == [
        "output/deep/sum",
        "algorithmLog/algorithm.log",
        "configrationLog/configure.log",
        "publishLog/publish.log",
    ]
    assert results["output/deep/sum"] == b"42"
    assert results["algorithmLog/algorithm.log"] == b"computed\n"
    assert {item["type"]: item["status"] for item in status["conditions"]} == {
        "Accepted": "True",
        "Configured": "True",
        "Isolated": "True",
        "AlgorithmCompleted": "True",
        "Published": "True",
        "Complete": "True",
    }
    assert status["steps"]["algorithm"]["exitCode"] == 0
    assert url not in json.dumps(status), "a URL is nobody's business"
    await story.then_claims_are_gone(job)


def algorithm(story: Live, code: str, entrypoint: str = "python3 $ALGO") -> dict[str, object]:
    image, _, tag = story.site.algorithm_image.rpartition(":")
    return {"source": {"inline": code}, "container": {"image": image, "tag": tag, "entrypoint": entrypoint}}


async def test_an_algorithms_error_is_told_with_its_exit_code_and_its_log(story: Live) -> None:
    job = await story.when_submitted("open('/data/outputs/half', 'w').write('x')\nprint('oh')\nraise SystemExit(3)")
    status = await story.then_ended(job)
    assert (status["phase"], status["reason"]) == (Phase.FAILED, "AlgorithmFailed")
    assert status["text"] == "Job finished: AlgorithmFailed (exit code 3)"
    assert status["steps"]["algorithm"]["exitCode"] == 3
    results = story.results(status)
    assert results["algorithmLog/algorithm.log"] == b"oh\n"
    assert not [name for name in results if name.startswith("output/")], "outputs of a failed run stay"


@pytest.mark.parametrize("where", ["itself", "a child"])
async def test_an_algorithm_that_wants_too_much_memory_is_told_so(story: Live, where: str) -> None:
    environment = await story.given_environment(resources={"memory": "128Mi"})
    greedy = "x = []\nwhile True: x.append(bytearray(b'x' * 2**20))"
    child = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {greedy!r}]).returncode and 9)"
    job = await story.when_submitted(greedy if where == "itself" else child, environment=environment)
    status = await story.then_ended(job)
    assert (status["phase"], status["reason"]) == (Phase.FAILED, "AlgorithmOOMKilled")


async def test_an_image_that_does_not_exist_fails_the_job_in_time(story: Live) -> None:
    environment = await story.given_environment(timeouts={"imagePullSeconds": 3})
    container = {"image": "localhost/c2d/nowhere", "tag": "none", "entrypoint": "x"}
    job = await story.when_submitted(
        environment=environment, algorithm={"source": {"inline": "x"}, "container": container}
    )
    status = await story.then_ended(job)
    assert (status["phase"], status["reason"], status["code"]) == (Phase.FAILED, "ImagePullFailed", 32)
    assert "nowhere" in status["message"]
    assert status["text"] == "Algorithm provisioning failed"


async def test_an_algorithm_is_ended_at_its_deadline_and_its_log_is_kept(story: Live) -> None:
    environment = await story.given_environment(**SHORT)
    job = await story.when_submitted(
        "import time\nprint('started', flush=True)\ntime.sleep(3600)", environment=environment
    )
    status = await story.then_ended(job)
    assert (status["phase"], status["reason"], status["stopRequest"]) == (Phase.TIMED_OUT, "DeadlineExceeded", 2)
    assert story.results(status)["algorithmLog/algorithm.log"].startswith(b"started\n")


async def test_an_input_that_is_not_there_is_code_31(story: Live) -> None:
    url = story.site.missing_url("nothing-here")
    job = await story.when_submitted(inputs=[{"id": "x", "files": [{"url": url}]}])
    status = await story.then_ended(job)
    assert (status["reason"], status["code"], status["text"]) == (
        "InputDownloadFailed",
        31,
        "Data provisioning failed",
    )
    assert "X-Amz-Signature" not in json.dumps(status)
    log = story.results(status)["configrationLog/configure.log"]
    assert b"X-Amz-Signature" not in log
    assert "algorithm" not in status["steps"]


async def test_an_input_that_is_not_what_it_was_declared_to_be_never_meets_the_algorithm(story: Live) -> None:
    url = story.site.url_of("changed", b"something else")
    job = await story.when_submitted(inputs=[{"id": "x", "files": [{"url": url, "sha256": "0" * 64}]}])
    status = await story.then_ended(job)
    assert (status["reason"], status["code"]) == ("ChecksumMismatch", 31)
    assert "algorithm" not in status["steps"]


async def test_a_stopped_algorithm_still_publishes_its_log(story: Live) -> None:
    job = await story.when_submitted("import time\nprint('started', flush=True)\ntime.sleep(3600)")
    await story.then_phase(job, Phase.RUNNING)
    await story.when_stopped(job)
    status = await story.then_ended(job)
    assert (status["phase"], status["stopRequest"]) == (Phase.STOPPED, 1)
    assert "algorithmLog/algorithm.log" in story.results(status)
    await story.then_claims_are_gone(job)


async def test_an_image_without_a_shell_works(story: Live) -> None:
    image, _, tag = story.site.noshell_image.rpartition(":")
    container = {"image": image, "tag": tag, "entrypoint": "/noshell ok"}
    job = await story.when_submitted(algorithm={"source": {"inline": "unused"}, "container": container})
    status = await story.then_ended(job)
    assert status["phase"] == Phase.SUCCEEDED
    assert "output/result.txt" in story.results(status)


async def test_a_link_to_something_outside_never_leaks_it(story: Live) -> None:
    job = await story.when_submitted(
        """
import os, pathlib
outputs = pathlib.Path("/data/outputs")
for name, target in {"passwd": "/etc/passwd", "secrets": "/proc/self/environ", "up": "../adminlogs"}.items():
    (outputs / name).symlink_to(target)
os.mkfifo(outputs / "fifo")
(outputs / "new\\nline").write_text("fine")
(outputs / "honest").write_text("fine")
log = pathlib.Path("/data/logs/algorithm.log")
log.unlink()
log.symlink_to("/etc/passwd")
"""
    )
    status = await story.then_ended(job)
    assert status["phase"] == Phase.SUCCEEDED
    results = story.results(status)
    assert sorted(name for name in results if name.startswith("output/")) == ["output/honest", "output/new%0Aline"]
    assert all(b"root:" not in content and b"AWS_" not in content for content in results.values())


async def test_an_algorithm_reaches_nobody(story: Live) -> None:
    code = f"""
import json, os, socket
seen = {{}}
for host, port in [(os.environ["KUBERNETES_SERVICE_HOST"], 443), {address(story.site.s3_endpoint_in_cluster)}]:
    try:
        socket.create_connection((host, int(port)), timeout=3)
        seen[host] = "reached"
    except OSError as error:
        seen[host] = type(error).__name__
json.dump(seen, open("/data/outputs/seen", "w"))
token = os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token")
open("/data/outputs/token", "w").write(str(token))
"""
    status = await story.then_ended(await story.when_submitted(code))
    assert status["phase"] == Phase.SUCCEEDED
    results = story.results(status)
    assert "reached" not in json.loads(results["output/seen"]).values()
    assert results["output/token"] == b"False"


def address(url: str) -> tuple[str, str]:
    host, _, port = url.partition("://")[2].partition(":")
    return host, port


async def test_where_the_network_is_open_the_algorithm_never_runs(story: Live) -> None:
    open_network = {"runtimeClassName": None}
    environment = await story.given_environment(pod=open_network, isolation={"timeoutSeconds": 3})
    job = await story.when_submitted("open('/data/outputs/ran', 'w')", environment=environment)
    status = await story.then_ended(job)
    if status["phase"] == Phase.SUCCEEDED:
        pytest.skip("this cluster's network enforces policies: there is no open network to find")
    assert status["reason"] == "IsolationNotEnforced"
    isolated = next(item for item in status["conditions"] if item["type"] == "Isolated")
    assert isolated["status"] == "False"
    assert "tcp://" in isolated["message"]


async def test_inputs_cannot_be_written_and_scratch_space_can(story: Live) -> None:
    code = """
import os, pathlib
refused = 0
for place in ("/data/inputs", "/data/transformations", "/data/ddos", "/data/bin", "/"):
    try:
        pathlib.Path(place, "x").write_text("x")
    except OSError:
        refused += 1
pathlib.Path("/tmp/x").write_text("x")
(pathlib.Path.home() / "y").write_text("y")
pathlib.Path("/data/outputs/refused").write_text(f"{refused} {os.getcwd()} {os.getuid()}")
"""
    status = await story.then_ended(await story.when_submitted(code))
    assert status["phase"] == Phase.SUCCEEDED
    assert story.results(status)["output/refused"] == b"5 / 10001"


async def test_jobs_wait_for_a_place_and_get_it(story: Live) -> None:
    environment = await story.given_environment(maxJobs=1)
    first = await story.when_submitted("import time; time.sleep(3)", environment=environment)
    await story.then_phase(first, Phase.CONFIGURING, Phase.RUNNING)
    second = await story.when_submitted(environment=environment)
    queued = await story.then(second, lambda status: bool(status.get("conditions")), "a condition")
    assert [item["reason"] for item in queued["conditions"] if item["type"] == "Queued"] == ["EnvironmentFull"]
    assert (await story.then_ended(second))["phase"] == Phase.SUCCEEDED
    assert (await story.then_ended(first))["phase"] == Phase.SUCCEEDED


async def test_a_job_tells_its_story_in_few_events(story: Live) -> None:
    job = await story.when_submitted()
    await story.then_ended(job)
    assert sorted(await story.then_events(job, "Succeeded")) == ["AlgorithmStarted", "Succeeded"]
