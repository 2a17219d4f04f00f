"""The examples, read and adapted to a cluster.

The manifests name the example image as `make up` loads it into a cluster of this machine. For any other cluster,
C2D_ALGORITHM_IMAGE has the reference of an image with the same packages.
"""

import copy
import pathlib
from collections.abc import Mapping

import yaml

from c2d.kube.resources import Object

FOLDER = pathlib.Path(__file__).parent
IMAGE = "localhost/c2d/algorithm"


def load(name: str) -> Object:
    """One example by its path below this folder, for example `branin/job.yaml`."""
    item: Object = yaml.safe_load((FOLDER / name).read_text())
    return item


def job(name: str, environ: Mapping[str, str]) -> Object:
    """An example's job with the image that C2D_ALGORITHM_IMAGE names, or as it is where that is not set."""
    item, image = load(name), environ.get("C2D_ALGORITHM_IMAGE", "")
    return with_image(item, image) if image else item


def with_image(item: Object, reference: str) -> Object:
    """The job with `image[:tag][@sha256:…]` in the place of the example image; any other image stays."""
    changed = copy.deepcopy(item)
    container = changed["spec"]["algorithm"]["container"]
    if container["image"] == IMAGE:
        container.update(_parts(reference))
    return changed


def environment(name: str, like: Object) -> Object:
    """An example's environment with the surroundings of one that works: its results, pods and volumes."""
    item = load(name)
    surroundings = {key: like["spec"][key] for key in ("results", "pod", "volume") if key in like["spec"]}
    return {**item, "spec": {**item["spec"], **surroundings}}


def _parts(reference: str) -> dict[str, str]:
    name, _, checksum = reference.partition("@")
    # A colon before the last slash belongs to a registry's port.
    image, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        image, tag = name, ""
    return {"image": image, "tag": tag, "checksum": checksum}
