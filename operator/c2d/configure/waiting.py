"""What happens between a failed try and the next one."""

import asyncio

from c2d.configure.errors import DownloadFailed
from c2d.configure.response import Interrupted
from c2d.configure.retry import Patience
from c2d.configure.settings import Settings, World


class Waiting:
    """Waits for one transfer's next try, as long as there is one."""

    def __init__(self, settings: Settings, world: World, name: str, shown: str) -> None:
        self._patience = Patience(settings.policy)
        self._world = world
        self._told = f"{name}: {shown}"

    async def after(self, interruption: Interrupted, progressed: bool = False) -> None:
        """Sleeps until the next try, or raises DownloadFailed where there is none."""
        told = f"{self._told} {interruption}"
        delay = self._patience.after(interruption.fault, self._world.chance(), interruption.retry_after, progressed)
        if delay is not None:
            self._world.say(f"{told}; next try in {delay:.1f} s")
            return await asyncio.sleep(delay)
        if not interruption.fault.may_pass:
            raise DownloadFailed(told)
        raise DownloadFailed(f"{told}, {self._patience.tries} times in a row", may_pass=interruption.heals)
