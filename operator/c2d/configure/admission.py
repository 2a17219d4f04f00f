"""Whether the publishers of the inputs let the algorithm near their data, judged on what was fetched."""

from collections.abc import Sequence

from c2d.api.plan import ConfigurePlan
from c2d.configure.assets import Opened
from c2d.configure.errors import NotTrusted
from c2d.configure.tasks import Stored
from c2d.ocean import trust
from c2d.ocean.ddo import Container
from c2d.ocean.trust import Algorithm


def restricts(each: Opened) -> bool:
    """Whether it is data that its publisher may keep from algorithms."""
    return not each.asset.algorithm and each.service.compute is not None


def require_admission(plan: ConfigurePlan, opened: Sequence[Opened], files: Sequence[Stored]) -> None:
    """`files` are the algorithm's, in their order. Raises NotTrusted."""
    algorithm = _algorithm(plan, opened, files)
    for each in opened:
        if not restricts(each) or each.service.compute is None:
            continue
        problem = trust.objection(each.service.compute, algorithm)
        if problem is not None:
            raise NotTrusted(f"the publisher of {each.asset.did} does not admit the algorithm: it {problem}")


def _algorithm(plan: ConfigurePlan, opened: Sequence[Opened], files: Sequence[Stored]) -> Algorithm:
    asset = next((each for each in opened if each.asset.algorithm), None)
    did = asset.asset.did if asset is not None else plan.algorithm_did
    container = Container(plan.container.entrypoint, plan.container.checksum) if plan.container else None
    return Algorithm(did, tuple(file.sha256 for file in files), container, asset.ddo if asset is not None else None)
