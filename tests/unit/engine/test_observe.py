import pytest

from c2d.engine.main import Options, default_probes
from c2d.engine.observe import World, observe, read_job
from c2d.kube.resources import ENVIRONMENTS, JOBS, PODS
from tests.kit import build
from tests.kit.story import Story, environment_manifest, job_manifest


def test_a_spec_that_cannot_be_read_names_its_field() -> None:
    item = job_manifest(inputs=[{"id": "x", "files": [{"url": "https://a"}]}])
    item["metadata"]["creationTimestamp"] = "2026-01-02T03:04:05Z"
    item["spec"]["inputs"][0]["files"][0] = {"url": "gopher://a"}
    assert read_job(item).invalid.startswith("inputs[0].files[0].url: ")


def test_a_pod_that_only_pretends_to_be_the_jobs_is_not_seen() -> None:
    story = Story().given()
    world, item = World(), story.cluster.job()
    world.saw_job(item)
    pod = {
        "metadata": {
            "name": "branin-branin-u-configure-0",
            "namespace": "ns",
            "labels": {
                "c2d.oceanprotocol.com/job-uid": "branin-uid",
                "c2d.oceanprotocol.com/step": "configure",
                "c2d.oceanprotocol.com/attempt": "0",
            },
            "ownerReferences": [{"controller": True, "uid": "somebody", "name": "x"}],
        },
        "spec": {},
    }
    world.saw_pod(story.cluster.put(PODS, pod))
    assert not observe(world, item, build.SETTINGS).pods


async def test_a_fresh_list_takes_away_what_a_watch_never_reported() -> None:
    story = Story().given()
    await story.engine_works()
    world, (pod,) = World(), story.cluster.all(PODS)
    assert world.saw_pod(pod)
    assert [view.step for view in world.pods_of("branin-uid")] == ["configure"]
    world.listed_pods("branin-uid", [])
    assert not world.pods_of("branin-uid")


async def test_the_echo_of_an_own_write_is_no_news() -> None:
    story = Story().given()
    await story.engine_works()
    world, (pod,), item = World(), story.cluster.all(PODS), story.cluster.job()
    assert world.saw_job(item)
    assert not world.saw_job(item)
    assert world.saw_pod(pod)
    placed = {**pod, "metadata": {**pod["metadata"], "resourceVersion": "1000"}, "spec": {"nodeName": "node-1"}}
    assert not world.saw_pod(placed), "being given a node changes nothing"
    running = {**placed, "metadata": {**pod["metadata"], "resourceVersion": "1001"}, "status": {"phase": "Running"}}
    assert world.saw_pod(running)


async def test_a_pod_of_our_name_that_belongs_to_somebody_else_is_never_taken_over() -> None:
    story = Story().given()
    story.cluster.put(PODS, {"metadata": {"name": "branin-branin-u-configure-0", "namespace": "ns"}, "status": {}})
    await story.engine_works()
    assert story.status["reason"] == "PodRejected"
    assert "belongs to somebody else" in story.status["message"]


async def test_an_engine_that_reads_old_news_does_not_write_them() -> None:
    story = Story().given()
    await story.engine_works()
    before = story.status
    story.cluster.change(JOBS, "branin", lambda item: item["metadata"].update(annotations={"a": "b"}))
    await story.engine_works()
    assert story.status == before


def test_the_gate_probes_the_api_server_the_dns_and_the_engine() -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    probes = list(
        default_probes(environ, "search x\nnameserver 10.96.0.10\nnameserver fd00::a\n", "tcp://10.1.2.3:8080")
    )
    assert probes == ["tcp://10.96.0.1:443", "dns://10.96.0.10:53", "dns://[fd00::a]:53", "tcp://10.1.2.3:8080"]


def test_an_engine_without_an_image_says_which_variable_is_missing() -> None:
    with pytest.raises(SystemExit, match="C2D_IMAGE"):
        Options.read({})


async def test_finished_jobs_leave_their_places() -> None:
    story = Story().given(environment=environment_manifest(maxJobs=1))
    await story.runs_to_the_end()
    world = World()
    world.environments.put(story.cluster.all(ENVIRONMENTS)[0])
    world.saw_job(story.cluster.job())
    observe(world, story.cluster.job(), build.SETTINGS)
    assert world.admission.counts(("ns", "default")) == (0, 0)
