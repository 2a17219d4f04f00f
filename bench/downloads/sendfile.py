"""Files of a folder from the page cache, with ranges, where nginx isn't installed: python sendfile.py <port> <folder>.

A thread for each connection, and sendfile without a copy: it serves some GB/s, and more small files a second than
any client of the benchmark asks for.
"""

import email.utils
import os
import re
import socket
import socketserver
import sys
from pathlib import Path

_REQUEST = re.compile(rb"GET /([\w/.-]+) HTTP/1\.1\r\n")
_RANGE = re.compile(rb"\r\nRange: bytes=(\d+)-(\d*)\r\n", re.IGNORECASE)


class Connection(socketserver.BaseRequestHandler):
    request: socket.socket

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        try:
            while data := self.request.recv(65536):
                received += data
                while (end := received.find(b"\r\n\r\n")) >= 0:
                    self._answer(received[: end + 2])
                    received = received[end + 4 :]
        except ConnectionError:
            return  # the client has what it wanted

    def _answer(self, head: bytes) -> None:
        named = _REQUEST.match(head)
        path = Path(sys.argv[2], named[1].decode()) if named else None
        if path is None or ".." in path.parts or not path.is_file():
            self.request.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        with path.open("rb") as file:
            self._send(file.fileno(), _RANGE.search(head))

    def _send(self, file: int, asked: re.Match[bytes] | None) -> None:
        status = os.fstat(file)
        begin, end = 0, status.st_size
        lines = ["200 OK" if asked is None else "206 Partial Content"]
        if asked is not None:
            begin, end = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else end, end)
            lines.append(f"Content-Range: bytes {begin}-{end - 1}/{status.st_size}")
        lines += [
            f"Content-Length: {end - begin}",
            f'ETag: "{status.st_mtime_ns:x}-{status.st_size:x}"',
            f"Last-Modified: {email.utils.formatdate(status.st_mtime, usegmt=True)}",
            "Accept-Ranges: bytes",
        ]
        self.request.sendall(("HTTP/1.1 " + "\r\n".join(lines) + "\r\n\r\n").encode())
        while begin < end:
            begin += os.sendfile(self.request.fileno(), file, begin, end - begin)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Connection).serve_forever()
