"""The job volume: the container contract that algorithm authors rely on (docs/reference/container-contract.md)."""

from pathlib import PurePosixPath

ROOT = PurePosixPath("/data")

INPUTS = "inputs"
TRANSFORMATIONS = "transformations"
DDOS = "ddos"
OUTPUTS = "outputs"
LOGS = "logs"
ADMIN_LOGS = "adminlogs"
# Holds the runner, which is the first process of the algorithm container.
BIN = "bin"

# Where results that stay here are; made by publish, and no algorithm ever sees it.
RESULTS = "results"

FOLDERS = (INPUTS, TRANSFORMATIONS, DDOS, OUTPUTS, LOGS, ADMIN_LOGS, BIN)
# What the algorithm sees, and whether it may write there.
ALGORITHM_MOUNTS = (
    (INPUTS, False),
    (TRANSFORMATIONS, False),
    (DDOS, False),
    (BIN, False),
    (OUTPUTS, True),
    (LOGS, True),
)

# What is of no use once results stay here and are complete.
SPENT = (INPUTS, TRANSFORMATIONS, DDOS)

CUSTOM_DATA = f"{INPUTS}/algoCustomData.json"
ALGORITHM = f"{TRANSFORMATIONS}/algorithm"
ALGORITHM_LOG = f"{LOGS}/algorithm.log"
# Made by the runner just before the algorithm starts: on one volume an algorithm runs once.
STARTED = f"{LOGS}/.started"
CONFIGURE_LOG = f"{ADMIN_LOGS}/configure.log"
PUBLISH_LOG = f"{ADMIN_LOGS}/publish.log"
RUNNER = f"{BIN}/c2d-runner"

DID_PREFIX = "did:op:"
# A file in an input's folder, without content: an owner's volume is mounted upon that folder and hides it.
MOUNT_POINT = ".volume"


def short_id(asset: str) -> str:
    """The name of an asset's folder: its DID without `did:op:`."""
    return asset.removeprefix(DID_PREFIX)


def input_path(asset: str, index: int) -> str:
    return f"{INPUTS}/{short_id(asset)}/{index}"


def algorithm_path(index: int) -> str:
    """`transformations/algorithm`, and `algorithm1`, `algorithm2` … for the files beside it."""
    return ALGORITHM if index == 0 else f"{ALGORITHM}{index}"


def absolute(path: str) -> str:
    return str(ROOT / path)
