"""What the data owner does once: put the dataset into a private bucket, and a URL to it into a Secret."""

import io

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from c2d.api.environment import S3Target
from c2d.cli import errors
from c2d.kube import errors as kube
from c2d.kube.client import Client
from c2d.kube.resources import SECRETS
from c2d.storage import s3
from examples.demo.settings import Settings

KEY = "branin.arff"
SECRET = "branin-dataset"  # noqa: S105 - the Secret's name
SECRET_KEY = "url"  # noqa: S105 - the key in it
_VALID_SECONDS = 3600


def upload(settings: Settings, dataset: bytes) -> None:
    """Raises `StorageError`."""
    target = S3Target(endpoint=settings.endpoint, region=settings.region, bucket=settings.datasets_bucket)
    s3.open_store(target).put(KEY, io.BytesIO(dataset), len(dataset))


def signed_url(settings: Settings) -> str:
    """A URL that works for an hour, for whoever has it, and from inside the cluster."""
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, region_name=settings.region)
    try:
        client = boto3.session.Session().client("s3", endpoint_url=settings.endpoint_in_cluster, config=config)
        place = {"Bucket": settings.datasets_bucket, "Key": KEY}
        return client.generate_presigned_url("get_object", Params=place, ExpiresIn=_VALID_SECONDS)
    except BotoCoreError as error:
        remedy = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        raise errors.Misused(f"the dataset's URL can't be signed: {error}", remedy) from error


async def keep_secret(client: Client, namespace: str, url: str) -> None:
    """The Secret that the job names; one of an earlier demo has a URL that no longer works. Raises `KubeError`."""
    secret = {
        "apiVersion": SECRETS.api_version,
        "kind": SECRETS.kind,
        "metadata": {"name": SECRET, "namespace": namespace},
        "stringData": {SECRET_KEY: url},
    }
    try:
        await client.create(SECRETS, secret)
    except kube.AlreadyExists:
        await client.patch(SECRETS, namespace, SECRET, {"stringData": secret["stringData"]})
