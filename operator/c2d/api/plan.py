"""What the in-pod programs are told to do: a plan file each, so that they need no cluster and no database."""

from typing import Any

from c2d.api.environment import S3Target
from c2d.api.model import Model

MOUNT = "/c2d/plan"
SECRETS = "/c2d/secrets"
CONFIGURE_FILE = "configure.json"
PUBLISH_FILE = "publish.json"


class PlannedFile(Model):
    """One file for the volume: its text, a file with its content, a URL, or a file that holds the URL."""

    path: str  # below the volume's root
    text: str | None = None
    content_file: str | None = None
    url: str | None = None
    url_file: str | None = None
    sha256: str | None = None


class ConfigurePlan(Model):
    """What `configure` puts on the volume."""

    job: str  # namespace/name, for the log
    inputs: list[PlannedFile]
    algorithm: list[PlannedFile]
    custom_data: Any = None
    custom_data_file: str | None = None  # a file that holds it, as JSON


class PublishPlan(Model):
    """Where `publish` puts what is on the volume."""

    job: str  # namespace/name
    uid: str
    agreement_id: str = ""
    s3: S3Target

    @property
    def prefix(self) -> str:
        """The keys of all objects of this job begin with it; the UID keeps jobs of one name apart."""
        namespace = self.job.split("/", 1)[0]
        return "/".join(part for part in (self.s3.prefix.strip("/"), namespace, self.uid) if part)
