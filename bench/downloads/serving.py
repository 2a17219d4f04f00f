"""The server that everybody downloads from: nginx where it is installed, else a small one of our own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.plane import free_port
from cluster.settings import ClusterError

LARGE, SMALL = "large.bin", "small"
_BLOCK = 1024 * 1024
_READY_SECONDS = 30.0
_NGINX = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  sendfile on; tcp_nopush on; access_log off; keepalive_requests 1000000; open_file_cache max=20000;
  types {{}} default_type application/octet-stream;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{ listen 127.0.0.1:{port}; root {files}; }}
}}
"""


@dataclass(frozen=True)
class Served:
    name: str
    origin: str

    def url(self, path: str) -> str:
        return f"{self.origin}/{path}"


def make_files(folder: Path, large: int, small: Sequence[str], small_size: int) -> None:
    """What is in them makes no difference, but nobody shall be able to compress it or to leave it out."""
    (folder / SMALL).mkdir(parents=True)
    with (folder / LARGE).open("wb") as file:
        for begin in range(0, large, _BLOCK):
            file.write(os.urandom(min(_BLOCK, large - begin)))
    for name in small:
        (folder / SMALL / name).write_bytes(os.urandom(small_size))


def find_nginx() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextlib.contextmanager
def running(folder: Path, files: Path, nginx: str | None) -> Iterator[Served]:
    """Raises ClusterError where the server doesn't come up."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("sendfile.py")), str(port), str(files)]
    if nginx is not None:
        configuration = folder / "nginx.conf"
        configuration.write_text(_NGINX.format(folder=folder, port=port, files=files))
        command = [nginx, "-c", str(configuration), "-p", str(folder)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _require_ready(process, port)
        yield Served("nginx" if nginx else "sendfile.py", f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def _require_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ClusterError("the server of the files doesn't come up") from error
            time.sleep(0.02)
