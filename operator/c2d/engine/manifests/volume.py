"""The job's volume: inputs, algorithm, outputs and logs of one job and of no other."""

from c2d.api.environment import EnvironmentSpec
from c2d.engine.manifests.child import child
from c2d.engine.state import Job
from c2d.kube import names
from c2d.kube.resources import CLAIMS, Object


def volume(job: Job, environment: EnvironmentSpec) -> Object:
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": environment.resources.disk}},
    }
    if environment.volume.storage_class_name is not None:
        spec["storageClassName"] = environment.volume.storage_class_name
    return {**child(job, CLAIMS, names.volume(job.name, job.uid)), "spec": spec}
