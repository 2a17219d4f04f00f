"""What of a job only the asset's Provider hands out. Pure."""

from collections.abc import Iterator

from c2d.api.job import JobSpec, Service


def services(spec: JobSpec) -> Iterator[tuple[str, Service, bool]]:
    """(DID, service, whether it is the algorithm's), in the order of the job."""
    for item in spec.inputs:
        if item.service is not None:
            yield item.id, item.service, False
    if spec.algorithm.source.service is not None:
        yield spec.algorithm.id, spec.algorithm.source.service, True
