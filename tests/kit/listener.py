"""A stand-in of the engine's port that keeps what it is told, and answers as the test wants."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from c2d.api.plan import Listener
from c2d.api.progress import Progress

TOKEN = "pod-token"  # noqa: S105 - a test's own


class Port:
    """What came, and when, in seconds of a steady clock."""

    def __init__(self) -> None:
        self.told: list[Progress] = []
        self.moments: list[float] = []
        self.tokens: set[str] = set()
        self.answers: list[int] = []  # for the next reports; then 200
        self.silent = threading.Event()  # set: no report is answered
        self.heard = threading.Condition()
        self.over = threading.Event()

    def wait_until(self, holds: Callable[[Progress], bool], what: str, seconds: float = 60) -> None:
        with self.heard:
            assert self.heard.wait_for(lambda: any(map(holds, self.told)), seconds), f"{what} never came: {self.told}"

    def wait_for(self, count: int, seconds: float = 60) -> None:
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.moments) >= count, seconds), f"{count} reports never came"


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[tuple[Port, Listener]]:
    """The port, and how a plan names it; the token is in the folder."""
    port = Port()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with port.heard:
                port.told.append(Progress.model_validate(json.loads(body)))
                port.moments.append(time.monotonic())
                port.tokens.add(self.headers["Authorization"])
                port.heard.notify_all()
            if port.silent.is_set():
                port.over.wait()
                return
            self.send_response(port.answers.pop(0) if port.answers else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    (folder / "token").write_text(TOKEN + "\n")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/progress"
        try:
            yield port, Listener(url=url, token_file=str(folder / "token"))
        finally:
            port.over.set()
            server.shutdown()
            thread.join()
