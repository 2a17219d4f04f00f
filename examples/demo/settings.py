"""What the demo is told by its environment; `python -m cluster env` prints it."""

from collections.abc import Mapping
from dataclasses import dataclass

from c2d.cli import errors


@dataclass(frozen=True)
class Settings:
    """Which namespace and environment, and the data owner's storage as seen from here and from the cluster."""

    namespace: str
    environment: str
    endpoint: str
    endpoint_in_cluster: str
    region: str
    datasets_bucket: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises `Misused` with the variables that are missing."""
        found = {field: environ.get(variable, "") for field, variable in _VARIABLES.items()}
        missing = [_VARIABLES[field] for field, value in found.items() if not value]
        if missing:
            remedy = 'Start a cluster with `python -m cluster up`, then: eval "$(python -m cluster env)".'
            raise errors.Misused(f"not set: {', '.join(missing)}", remedy)
        return cls(**found)


_VARIABLES = {
    "namespace": "C2D_NAMESPACE",
    "environment": "C2D_ENVIRONMENT",
    "endpoint": "C2D_S3_ENDPOINT",
    "endpoint_in_cluster": "C2D_S3_ENDPOINT_IN_CLUSTER",
    "region": "AWS_REGION",
    "datasets_bucket": "C2D_S3_DATASETS_BUCKET",
}
