"""What went wrong with a pod, as a value. Pure.

Precedence: evicted > node lost > deleted > never started > isolation > OOM > deadline > exit code. What lies outside
of the algorithm is looked for first, so that a consumer isn't blamed for the cluster; what the pod says about itself
(its report) can explain a failure and never turns one into a success.
"""

from dataclasses import dataclass

from c2d.api import report
from c2d.api.environment import GateMode
from c2d.api.reasons import Reason
from c2d.engine.pods import PodView, Step

_NEVER_PULLED = ("InvalidImageName", "ErrImageNeverPull")
_PULLING = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError")
_NODE_GONE = ("NodeLost", "NodeShutdown", "Terminated", "NodeAffinity", "Shutdown")
_GONE_BY_CLUSTER = (
    "DeletionByTaintManager",
    "DeletionByPodGC",
    "TerminationByKubelet",
    "PreemptionByScheduler",
)
_OVERDUE = {
    Step.CONFIGURE: Reason.CONFIGURE_FAILED,
    Step.ALGORITHM: Reason.DEADLINE_EXCEEDED,
    Step.PUBLISH: Reason.PUBLISH_FAILED,
}
# Exit codes of the runner, when it says that it did not start the algorithm.
_EXIT_NOT_ISOLATED = 121
_EXIT_RAN_BEFORE = 122
_EXIT_NOT_SET_UP = 125
_EXIT_CANNOT_EXECUTE = (126, 127)


@dataclass(frozen=True)
class Failure:
    """Why a pod failed. `retry`: the cause lies outside of the job and a new pod may do better."""

    reason: Reason
    message: str
    retry: bool = False


def of_pod(pod: PodView, gate: GateMode) -> Failure | None:
    """Why a finished pod failed; None when it succeeded."""
    infrastructure = _infrastructure(pod)
    if infrastructure is not None:
        return infrastructure
    match pod.step:
        case Step.CONFIGURE:
            return _of_configure(pod)
        case Step.ALGORITHM:
            return _of_algorithm(pod, gate)
        case Step.PUBLISH:
            return _of_publish(pod)


def overdue(pod: PodView) -> Failure:
    """The pod runs longer than it may."""
    return Failure(_OVERDUE[pod.step], f"the {pod.step} pod ran longer than it may")


def vanished(name: str) -> Failure:
    """The pod was there and is gone."""
    return Failure(Reason.POD_DELETED, f"pod {name} is gone: somebody or something deleted it", retry=True)


def image_cannot_be_pulled(pod: PodView) -> Failure | None:
    """A pull that fails now; it may still succeed unless the name itself is wrong (then `retry` is False)."""
    if pod.waiting in _NEVER_PULLED:
        return Failure(Reason.IMAGE_PULL_FAILED, pod.waiting_message or pod.waiting)
    if pod.waiting in _PULLING:
        return Failure(Reason.IMAGE_PULL_FAILED, pod.waiting_message or pod.waiting, retry=True)
    return None


def _infrastructure(pod: PodView) -> Failure | None:
    if pod.reason == "Evicted":
        return Failure(Reason.POD_EVICTED, pod.message or "the node evicted the pod", retry=True)
    if pod.reason in _NODE_GONE or pod.disruption in _GONE_BY_CLUSTER:
        why = pod.message or pod.disruption or pod.reason
        return Failure(Reason.NODE_LOST, f"node {pod.node or 'unknown'}: {why}", retry=True)
    if pod.reason == "DeadlineExceeded":
        # The kubelet's own clock, for when the engine was away.
        return overdue(pod)
    if pod.exit_code is None and pod.phase == "Failed":
        return Failure(Reason.POD_REJECTED, pod.message or pod.reason or "the node did not take the pod", retry=True)
    return None


def _of_configure(pod: PodView) -> Failure | None:
    if pod.exit_code == report.EXIT_OK:
        return None
    said = report.parse(report.ConfigureReport, pod.report)
    return _of_program(pod, said.reason if said else None, said.message if said else "", Reason.CONFIGURE_FAILED)


def _of_publish(pod: PodView) -> Failure | None:
    said = report.parse(report.PublishReport, pod.report)
    if pod.exit_code == report.EXIT_OK:
        if said is not None and said.manifest_sha256 is not None:
            return None
        return Failure(Reason.PUBLISH_FAILED, "publish ended well but did not say what it published")
    return _of_program(pod, said.reason if said else None, said.message if said else "", Reason.PUBLISH_FAILED)


def _of_program(pod: PodView, reason: Reason | None, message: str, otherwise: Reason) -> Failure:
    """Of one of our own programs; an OOM of theirs is ours to mend, and a new pod would not."""
    if pod.exit_reason == "OOMKilled":
        return Failure(otherwise, f"{pod.step} ran out of memory")
    retry = pod.exit_code == report.EXIT_RETRY
    return Failure(reason or otherwise, message or _ending(pod), retry)


def _of_algorithm(pod: PodView, gate: GateMode) -> Failure | None:
    said = report.parse(report.RunnerReport, pod.report)
    if said is not None and said.gate is not None and not said.started:
        open_gate = _not_isolated(pod, said.gate)
        if open_gate is not None:
            return open_gate
    if pod.exit_code != 0:
        return _of_failed_algorithm(pod, said)
    if said is None:
        return Failure(Reason.ALGORITHM_FAILED, "the container ended without the runner's report")
    if gate is GateMode.REQUIRED and (said.gate is None or said.gate.verdict != "Isolated"):
        return Failure(Reason.ISOLATION_NOT_ENFORCED, "the runner did not vouch for the isolation")
    return None


def _not_started(pod: PodView, said: report.RunnerReport) -> Failure:
    if pod.exit_code == _EXIT_RAN_BEFORE:
        return Failure(Reason.POD_DELETED, said.error or "the algorithm was started before, in a pod that is gone")
    if pod.exit_code == _EXIT_NOT_SET_UP:
        return Failure(Reason.RUNNER_FAILED, said.error or _ending(pod))
    if pod.exit_code in _EXIT_CANNOT_EXECUTE:
        return Failure(Reason.ALGORITHM_NOT_EXECUTABLE, said.error or _ending(pod))
    return Failure(Reason.ALGORITHM_FAILED, said.error or _ending(pod))


def _not_isolated(pod: PodView, gate: report.GateReport) -> Failure | None:
    if gate.verdict == "Leaking":
        return Failure(Reason.ISOLATION_NOT_ENFORCED, f"the pod could reach {', '.join(gate.reachable) or 'somebody'}")
    if pod.exit_code == _EXIT_NOT_ISOLATED:
        return Failure(Reason.ISOLATION_NOT_ENFORCED, "isolation could not be proven in time")
    return None


def _of_failed_algorithm(pod: PodView, said: report.RunnerReport | None) -> Failure:
    if pod.exit_reason == "OOMKilled" or (said is not None and said.oom_kills > 0):
        return Failure(Reason.ALGORITHM_OOM_KILLED, f"out of memory ({_ending(pod)})")
    if said is None:
        return Failure(Reason.ALGORITHM_FAILED, _ending(pod))
    if said.timed_out:
        return Failure(Reason.DEADLINE_EXCEEDED, "the algorithm was ended at its deadline")
    if not said.started:
        return _not_started(pod, said)
    if said.signal:
        return Failure(Reason.ALGORITHM_FAILED, f"signal {said.signal}")
    return Failure(Reason.ALGORITHM_FAILED, said.error or _ending(pod))


def _ending(pod: PodView) -> str:
    return f"exit code {pod.exit_code}"
