"""What every child of a job has in common: its name, its labels, its owner."""

from c2d.engine.state import Job
from c2d.kube import names
from c2d.kube.resources import JOBS, Object, Resource


def child(job: Job, resource: Resource, name: str, **labels: str) -> Object:
    """The head of a child's manifest. It is the job's own, so it goes when the job goes."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": name,
            "namespace": job.namespace,
            "labels": {
                names.JOB_UID: job.uid,
                names.JOB_NAME: names.label(job.name),
                names.MANAGED_BY: names.MANAGER,
                **labels,
            },
            "ownerReferences": [
                {
                    "apiVersion": JOBS.api_version,
                    "kind": JOBS.kind,
                    "name": job.name,
                    "uid": job.uid,
                    "controller": True,
                }
            ],
        },
    }
