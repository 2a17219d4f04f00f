"""The fake nodes play what the engine expects of real ones."""

import pytest
import yaml

from bench import chain, fakes, figures, subject
from bench.figures import Figure
from c2d.api.environment import GateMode
from c2d.api.job import JobSpec
from c2d.engine import diagnose
from c2d.engine.pods import Step
from tests.kit import build


@pytest.mark.parametrize("step", Step)
def test_the_one_report_of_all_pods_is_a_success(step: Step) -> None:
    pod = build.pod(step, "Succeeded", exit_code=0, said=yaml.safe_load(fakes.REPORT))
    assert diagnose.of_pod(pod, GateMode.REQUIRED) is None


def test_the_configuration_has_the_options_and_a_stage_for_each_turn_of_a_pod() -> None:
    options, *stages = yaml.safe_load_all(fakes.configuration())
    assert options["kind"] == "KwokConfiguration"
    assert [stage["metadata"]["name"] for stage in stages] == ["node-ready", "pod-runs", "pod-succeeds", "pod-deleted"]


def test_a_submitted_job_is_one_that_the_engine_can_read() -> None:
    assert JobSpec.model_validate(subject.job("job1")["spec"]).environment == "default"


def test_a_pod_of_the_chain_has_one_container_and_only_with_a_volume_a_mount() -> None:
    bare, mounted = (chain.pod("job1", 0, volume=volume)["spec"] for volume in (False, True))
    assert (len(bare["containers"]), "volumes" in bare) == (1, False)
    assert mounted["volumes"][0]["persistentVolumeClaim"] == {"claimName": chain.claim("job1")["metadata"]["name"]}


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("at most", ours=20, chain=3, goal=20), True),
        (Figure("more than at most", ours=20.1, chain=3, goal=20), False),
        (Figure("ratio at most", ours=25, chain=10, goal=2.5, of_ratio=True), True),
        (Figure("ratio at least", ours=5, chain=10, goal=0.5, of_ratio=True, at_least=True), True),
        (Figure("ratio below at least", ours=4, chain=10, goal=0.5, of_ratio=True, at_least=True), False),
        (Figure("no goal", ours=4, chain=None), None),
    ],
    ids=lambda value: value.name if isinstance(value, figures.Figure) else "",
)
def test_a_goal_is_met_or_missed(figure: Figure, met: bool | None) -> None:
    assert figure.met is met
