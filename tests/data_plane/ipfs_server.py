"""A node of IPFS: a real kubo where there is one, otherwise a stand-in for as much of its RPC as results need.

`C2D_IPFS_API` names a running node for tests; otherwise a program `ipfs` (or the one that `C2D_KUBO` names) is started
with a repository of its own and no network. What a test sees is a front that counts requests and breaks those that
the test wants to be broken, whichever node is behind it.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from c2d.api.environment import IpfsTarget
from tests.data_plane.programs import eventually
from tests.data_plane.unixfs import DAG_PB, DIRECTORY, Blocks, Link

Query = dict[str, list[str]]
LARGEST_BLOCK = 1024 * 1024  # bytes that a node takes


class Failure(Exception):
    """What kubo answers with status 500."""


@dataclass(frozen=True)
class Fault:
    """What happens to the next request of that command."""

    command: str
    status: int = 0  # an answer with this status; 0: the connection is cut
    done: bool = False  # only after the node did what was asked
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class IpfsServer:
    """A node, as a test sees it."""

    kind: str  # kubo or stand-in
    behind: str  # the node's own address
    api: str = ""
    faults: list[Fault] = field(default_factory=list)
    commands: Counter[str] = field(default_factory=Counter)
    seen_headers: list[dict[str, str]] = field(default_factory=list)

    def target(self, prefix: str = "", api: str | None = None, secret: str | None = None) -> IpfsTarget:
        return IpfsTarget(api_url=api or self.api, prefix=prefix, headers_secret_name=secret)

    def ask(self, command: str, *arguments: str, **options: object) -> tuple[int, bytes]:
        """Of the node itself."""
        pairs = [("arg", argument) for argument in arguments] + [(name, str(value)) for name, value in options.items()]
        place = urllib.parse.urlsplit(self.behind)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        connection.request("POST", f"/api/v0/{command}?{urllib.parse.urlencode(pairs)}")
        answer = connection.getresponse()
        return answer.status, answer.read()

    def read(self, path: str) -> bytes:
        """By CID."""
        status, content = self.ask("cat", f"/ipfs/{path}")
        assert status == 200, content
        return content

    def names(self, cid: str) -> set[str]:
        """Of all files below the CID."""
        found = set()
        said = json.loads(self.ask("ls", f"/ipfs/{cid}")[1])
        for link in said["Objects"][0]["Links"]:
            if link["Type"] == DIRECTORY:
                found |= {f"{link['Name']}/{name}" for name in self.names(link["Hash"])}
            else:
                found.add(link["Name"])
        return found

    def pins(self) -> dict[str, str]:
        """CIDs that are pinned as roots, and the names of their pins."""
        keys = json.loads(self.ask("pin/ls", type="recursive", names="true")[1]).get("Keys") or {}
        return {cid: pin.get("Name", "") for cid, pin in keys.items()}

    def cid(self, path: str) -> str | None:
        """Of something in the node's MFS."""
        status, said = self.ask("files/stat", path)
        return str(json.loads(said)["Hash"]) if status == 200 else None


@contextlib.contextmanager
def running(folder: Path, host: str = "127.0.0.1") -> Iterator[IpfsServer]:
    with _node(folder) as (kind, address):
        server = IpfsServer(kind, address)
        with _serving(_front(server), host) as server.api:
            yield server


@contextlib.contextmanager
def _node(folder: Path) -> Iterator[tuple[str, str]]:
    program = os.environ.get("C2D_KUBO") or shutil.which("ipfs")
    if os.environ.get("C2D_IPFS_API"):
        yield "kubo", os.environ["C2D_IPFS_API"]
    elif program:
        with _kubo(program, folder) as address:
            yield "kubo", address
    else:
        with _serving(_stand_in(StandIn())) as address:
            yield "stand-in", address


@contextlib.contextmanager
def _kubo(program: str, folder: Path) -> Iterator[str]:
    variables = {**os.environ, "IPFS_PATH": str(folder)}
    subprocess.run([program, "init", "--profile=test"], env=variables, check=True, capture_output=True)
    command = [program, "daemon", "--offline"]
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually((folder / "api").exists, "kubo listens")
        port = (folder / "api").read_text().rpartition("/")[2]
        yield f"http://127.0.0.1:{port.strip()}"
    finally:
        process.kill()
        process.wait(10)


@contextlib.contextmanager
def _serving(handler: type[BaseHTTPRequestHandler], host: str = "127.0.0.1") -> Iterator[str]:
    server = _Server((host, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is what some tests are about; its half request is an error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _front(server: IpfsServer) -> type[BaseHTTPRequestHandler]:
    place = urllib.parse.urlsplit(server.behind)

    class Front(_Handler):
        def do_POST(self) -> None:
            body, command = self.body(), urllib.parse.urlsplit(self.path).path.removeprefix("/api/v0/")
            server.commands[command] += 1
            server.seen_headers.append(dict(self.headers))
            fault = next((one for one in server.faults if one.command == command), None)
            if fault is not None:
                server.faults.remove(fault)
                if fault.done:
                    self.pass_on(body)
                if fault.status:
                    self.answer(fault.status, b"not now", fault.headers)
                else:
                    self.close_connection = True
                return
            self.answer(*self.pass_on(body))

        def pass_on(self, body: bytes) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
            headers = {"Content-Type": self.headers["Content-Type"]} if self.headers["Content-Type"] else {}
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, content

    return Front


class StandIn:
    """What a node holds: blocks, one tree of names, pins. Commands are as in kubo 0.42."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self.tree: dict[str, Any] = {}
        self.pinned: dict[str, str] = {}
        self._lock = threading.Lock()

    def run(self, command: str, query: Query, contents: dict[str, bytes]) -> bytes:
        work: Callable[[Query, dict[str, bytes]], object] | None = getattr(
            self, command.replace("/", "_").replace("-", "_"), None
        )
        if work is None:
            raise KeyError(command)
        with self._lock:
            found = work(query, contents)
        if isinstance(found, bytes):
            return found
        answers = found if isinstance(found, list) else [] if found is None else [found]
        return b"".join(json.dumps(answer).encode() + b"\n" for answer in answers)

    def add(self, query: Query, contents: dict[str, bytes]) -> object:
        assert query["cid-version"] == ["1"]
        assert query["chunker"] == ["size-262144"]
        links = {name: self.blocks.add(content) for name, content in contents.items()}
        return [{"Name": name, "Hash": link.cid, "Size": str(link.total)} for name, link in links.items()]

    def block_put(self, query: Query, contents: dict[str, bytes]) -> object:
        assert query["cid-codec"] == ["dag-pb"]
        assert all(len(content) <= LARGEST_BLOCK for content in contents.values())
        return [{"Key": self.blocks.keep(DAG_PB, content), "Size": len(content)} for content in contents.values()]

    def block_rm(self, query: Query, _: object) -> object:
        self.blocks.pop(query["arg"][0], None)
        return {"Hash": query["arg"][0]}

    def cat(self, query: Query, _: object) -> bytes:
        cid = self._resolve(query["arg"][0])
        if self.blocks.kind(cid) == DIRECTORY:
            raise Failure("this dag node is a directory")
        begin = int(query.get("offset", ["0"])[0])
        content = b"".join(self.blocks.read(cid))[begin:]
        return content[: int(query["length"][0])] if "length" in query else content

    def ls(self, query: Query, _: object) -> object:
        links = self.blocks.links(self._resolve(query["arg"][0]))
        told = [{"Name": link.name, "Hash": link.cid, "Type": self.blocks.kind(link.cid)} for link in links]
        return {"Objects": [{"Links": told}]}

    def files_stat(self, query: Query, _: object) -> object:
        cid = self._resolve(query["arg"][0])
        is_folder = self.blocks.kind(cid) == DIRECTORY
        size = 0 if is_folder else sum(len(piece) for piece in self.blocks.read(cid))
        return {"Hash": cid, "Size": size, "Type": "directory" if is_folder else "file"}

    def files_mkdir(self, query: Query, _: object) -> None:
        node = self.tree
        for part in _parts(query["arg"][0]):
            node = node.setdefault(part, {})
            if isinstance(node, str):
                raise Failure("not a directory")

    def files_cp(self, query: Query, _: object) -> None:
        source, destination = query["arg"]
        *folders, name = _parts(destination)
        folder = self._find(folders)
        if name in folder and self._is_folder(folder[name]):
            raise Failure("directory already has entry by that name")
        folder[name] = self._resolve(source)

    def files_flush(self, query: Query, _: object) -> object:
        return {"Cid": self._resolve(query["arg"][0])}

    def files_rm(self, query: Query, _: object) -> None:
        *folders, name = _parts(query["arg"][0])
        with contextlib.suppress(Failure):
            self._find(folders).pop(name, None)

    def files_ls(self, query: Query, _: object) -> object:
        folder = self._find(_parts(query["arg"][0]), last=True)
        nodes = {link.name: link.cid for link in self.blocks.links(folder)} if isinstance(folder, str) else folder
        return {"Entries": [{"Name": name, "Type": int(self._is_folder(node))} for name, node in nodes.items()]}

    def _is_folder(self, node: Any) -> bool:
        return isinstance(node, dict) or self.blocks.kind(node) == DIRECTORY

    def pin_add(self, query: Query, _: object) -> object:
        cid = self._resolve(query["arg"][0])
        if not self.blocks.complete(cid):
            raise Failure("block was not found locally (offline)")
        self.pinned[cid] = query["name"][0]
        return {"Pins": [cid]}

    def pin_rm(self, query: Query, _: object) -> object:
        if self.pinned.pop(query["arg"][0], None) is None:
            raise Failure("not pinned or pinned indirectly")
        return {"Pins": query["arg"]}

    def pin_ls(self, query: Query, _: object) -> object:
        asked = query.get("arg", list(self.pinned))
        if not set(asked) <= set(self.pinned):
            raise Failure(f"path '{asked[0]}' is not pinned")
        return {"Keys": {cid: {"Type": "recursive", "Name": self.pinned[cid]} for cid in asked}}

    def _resolve(self, path: str) -> str:
        if not path.startswith("/ipfs/"):
            return self._cid(self._find(_parts(path), last=True)).cid
        cid, *names = _parts(path.removeprefix("/ipfs"))
        if cid not in self.blocks:
            raise Failure("block was not found locally (offline)")
        for name in names:
            link = next((link for link in self.blocks.links(cid) if link.name == name), None)
            if link is None:
                raise Failure(f'no link named "{name}" under {cid}')
            cid = link.cid
        return cid

    def _find(self, names: list[str], last: bool = False) -> Any:
        node: Any = self.tree
        for name in names:
            below = {link.name: link.cid for link in self.blocks.links(node)} if isinstance(node, str) else node
            if name not in below:
                raise Failure("file does not exist")
            node = below[name]
        if isinstance(node, str) and not last:
            raise Failure("not a directory")
        return node

    def _cid(self, node: Any) -> Link:
        if isinstance(node, str):
            return Link("", node, self.blocks.total(node))
        return self.blocks.directory({name: self._cid(below) for name, below in node.items()})


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _stand_in(node: StandIn) -> type[BaseHTTPRequestHandler]:
    class Rpc(_Handler):
        def do_POST(self) -> None:
            place = urllib.parse.urlsplit(self.path)
            query = urllib.parse.parse_qs(place.query)
            contents = _files(self.headers.get("Content-Type", ""), self.body())
            try:
                self.answer(200, node.run(place.path.removeprefix("/api/v0/"), query, contents))
            except KeyError:
                self.answer(404, b"404 page not found")
            except Failure as failure:
                said = {"Message": str(failure), "Code": 0, "Type": "error"}
                self.answer(500, json.dumps(said).encode())

    return Rpc


def _files(kind: str, body: bytes) -> dict[str, bytes]:
    """Those of a form, by their names."""
    found = re.search("boundary=(.+)", kind)
    if found is None:
        return {}
    mark = f"--{found[1]}".encode()
    begin, *parts, end = body.split(mark)
    assert (begin, end) == (b"", b"--\r\n")
    heads = (part.partition(b"\r\n\r\n") for part in parts)
    return {re.findall(b'filename="(.*?)"', head)[0].decode(): content[:-2] for head, _, content in heads}
