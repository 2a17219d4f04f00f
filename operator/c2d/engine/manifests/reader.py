"""The pod that reads results which stay on a job's volume: it sees nothing else of it, and can't write."""

from c2d.api import reading, volume
from c2d.engine.manifests import pod as frame
from c2d.engine.state import Observed
from c2d.engine.status import environment_of
from c2d.kube import names
from c2d.kube.resources import Object

_RESOURCES: Object = {
    "requests": {"cpu": "50m", "memory": "64Mi"},
    "limits": {"cpu": "1", "memory": "256Mi", "ephemeral-storage": "64Mi"},
}
_SCRATCH = "16Mi"
# It is deleted when nobody asks any more. This is for one that is asked all the time: it knows the API server's keys of
# when it was made only.
_LONGEST = 12 * 3600  # seconds


def reader(seen: Observed) -> Object:
    settings = seen.settings
    container: Object = {
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["c2d-reader"],
        "env": [
            frame.env("HOME", "/tmp"),  # noqa: S108 - the pod's own scratch space
            frame.env(reading.KEYS, seen.reader_keys.replace("$", "\\u0024")),
            frame.env(reading.SUBJECTS, ",".join(settings.readers)),
        ],
        "ports": [{"name": "results", "containerPort": reading.PORT}],
        "readinessProbe": {
            "httpGet": {"path": reading.READY, "port": "results"},
            "periodSeconds": 1,
            "failureThreshold": 30,
        },
        "resources": _RESOURCES,
        "volumeMounts": [
            {"name": frame.DATA, "mountPath": str(reading.ROOT), "subPath": volume.RESULTS, "readOnly": True},
            {"name": frame.TMP, "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    return frame.pod(
        seen.job,
        environment_of(seen.job.status),
        names.READER,
        0,
        container=container,
        volumes=[],
        scratch=_SCRATCH,
        deadline_seconds=_LONGEST,
        pull_secrets=settings.image_pull_secrets,
    )
