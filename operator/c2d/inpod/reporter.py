"""Tells the engine now and then how far the work is. The work never waits for it, and never fails with it."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from c2d.api.plan import Listener
from c2d.api.progress import Progress

INTERVAL = 10.0  # seconds; also before the first report, so that short work has none
_CONNECT, _READ = 3.0, 5.0  # seconds
_ANSWER = 1024  # bytes


@contextlib.contextmanager
def reporting(
    to: Listener | None, now: Callable[[], Progress], say: Callable[[str], None], interval: float = INTERVAL
) -> Iterator[None]:
    """Reports while the block runs, from a thread of its own; without a listener nothing is told.

    The block's end waits for nothing: a report that is under way then ends with the process.
    """
    if to is None:
        yield
        return
    over = threading.Event()
    reporter = Reporter(to, say)
    # A daemon, which doesn't keep the process.
    threading.Thread(target=reporter.run, args=(now, over, interval), name="progress", daemon=True).start()
    try:
        yield
    finally:
        over.set()


class Reporter:
    """Sends numbers that are new."""

    def __init__(self, to: Listener, say: Callable[[str], None]) -> None:
        self._to = to
        self._say = say
        self._sent = Progress(done=0, total=0)
        self._complained = False

    def run(self, now: Callable[[], Progress], over: threading.Event, interval: float) -> None:
        """Until it is over."""
        while not over.wait(interval):
            self.tell(now())

    def tell(self, told: Progress) -> None:
        """One try; the first that fails is told in the log, without the error's text, which may name an address."""
        if told == self._sent:
            return
        try:
            self._post(told.model_dump_json(by_alias=True, exclude_none=True))
        except Exception as error:
            if not self._complained:
                self._complained = True
                self._say(f"the engine can't be told of the progress ({_why(error)}); the work goes on without")
        else:
            self._sent = told

    def _post(self, body: str) -> None:
        import urllib3  # noqa: PLC0415 - only a run that takes its time loads it

        token = Path(self._to.token_file).read_text(encoding="ascii").strip()
        with urllib3.PoolManager(retries=False) as pool:
            answer = pool.request(
                "POST",
                self._to.url,
                body=body,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                timeout=urllib3.Timeout(connect=_CONNECT, read=_READ),
                redirect=False,
                preload_content=False,
            )
            answer.read(_ANSWER)
        if answer.status != 200:
            raise _Refused(answer.status)


class _Refused(Exception):
    """The engine answered with another status than 200."""


def _why(error: Exception) -> str:
    return f"status {error.args[0]}" if isinstance(error, _Refused) else type(error).__name__
