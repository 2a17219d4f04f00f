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
        trouble = self._trouble(told.model_dump_json(by_alias=True, exclude_none=True))
        if not trouble:
            self._sent = told
        elif not self._complained:
            self._complained = True
            self._say(f"the engine can't be told of the progress ({trouble}); the work goes on without")

    def _trouble(self, body: str) -> str:
        """Why the engine didn't take it; empty when it did."""
        try:
            status = self._post(body)
        except Exception as error:
            return type(error).__name__
        return "" if status == 200 else f"status {status}"

    def _post(self, body: str) -> int:
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
        return int(answer.status)
