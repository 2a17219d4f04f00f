"""A private PostgreSQL server from this machine's binaries, to be killed and frozen at any moment."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

WHERE = "put PostgreSQL's initdb and postgres on PATH, or install them to /usr/lib/postgresql"
USER = "c2d"
PASSWORD = "a-password-of-tests"  # noqa: S105
_DEADLINE = 60.0  # seconds; a wait that takes this long on any machine has failed
# No test needs what it writes to outlive the machine; a killed server still finds all of it.
_FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60")


def find() -> Path | None:
    """The folder with the server's binaries, the newest version's where there are several."""
    found = shutil.which("initdb")
    # On PATH there may be a link to it; the server is beside what it leads to.
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4))[::-1]
    return next((path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()), None)


@dataclass(frozen=True)
class Database:
    host: str
    port: int
    name: str
    user: str = USER
    password: str = field(default=PASSWORD, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """As the operator-service takes it."""
        return {
            "POSTGRES_HOST": self.host,
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_DB": self.name,
            "POSTGRES_USER": self.user,
            "POSTGRES_PASSWORD": self.password,
        }

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the test's own, in autocommit mode."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            dbname=self.name,
            user=self.user,
            password=self.password,
            autocommit=True,
            connect_timeout=5,
        )


class Server:
    """Listens on a port of 127.0.0.1 that stays the same over its starts; USER is its superuser."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"test{number}" for number in itertools.count())

    def initialize(self) -> None:
        """Make the data folder, once."""
        account = _account()
        if account is not None:
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        command = ["initdb", "--pgdata", str(self._data), "--username", USER, "--pwfile", str(secret)]
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        with self._log.open("ab") as log:
            self._popen([*command, *options], log).wait(_DEADLINE)
        assert (self._data / "PG_VERSION").exists(), self._log.read_text()

    def start(self) -> None:
        """Start it and wait until it serves; nothing happens when it is running."""
        if self._process is not None:
            return
        settings = (
            "listen_addresses=127.0.0.1",
            f"port={self._port}",
            f"unix_socket_directories={self._folder}",
            *_FAST,
        )
        options = [part for setting in settings for part in ("-c", setting)]
        with self._log.open("ab") as log:
            self._process = self._popen(["postgres", "-D", str(self._data), *options], log)
        _eventually(self._serves, "the server serves")

    def stop(self) -> None:
        """An orderly end: every connection is told."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """The end that a node's crash is: nobody is told anything."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Connections stay, and no call on them is ever answered."""
        self._signal(signal.SIGSTOP, self._processes())

    def thaw(self) -> None:
        self._signal(signal.SIGCONT, self._processes())

    def mend(self) -> None:
        """Whatever a test left behind: afterwards it serves."""
        self.thaw()
        self.start()

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """A new and empty one; it goes afterwards."""
        database = self.at(next(self._names))
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database.name)))
        try:
            yield database
        finally:
            self.mend()
            self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def at(self, name: str) -> Database:
        return Database("127.0.0.1", self._port, name)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _run(self, statement: sql.Composed) -> None:
        with self.at("postgres").connect() as connection:
            connection.execute(statement)

    def _serves(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        try:
            self.at("postgres").connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self.thaw()
        processes = self._processes()
        # The postmaster first: it would take a killed child for a crash and start anew.
        self._signal(how, processes[:1])
        self._process.wait(_DEADLINE)
        self._process = None
        if how is signal.SIGKILL:
            self._signal(how, processes[1:])
        # A new server refuses to start while a child of the old one is attached to its memory.
        _eventually(lambda: not any(map(_lives, processes[1:])), "the server's processes are gone")

    def _processes(self) -> list[int]:
        """The postmaster and its children."""
        if self._process is None:
            return []
        mine = self._process.pid
        everyone = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [mine, *(pid for pid in everyone if _parent(pid) == mine)]

    def _signal(self, which: signal.Signals, processes: list[int]) -> None:
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, which)

    def _popen(self, command: list[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        account = _account()
        return subprocess.Popen(
            [str(self._binaries / command[0]), *command[1:]],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=None if account is None else [],
        )


@contextlib.contextmanager
def running(binaries: Path) -> Iterator[Server]:
    # Not in pytest's own folders, which nobody but their owner may enter.
    with tempfile.TemporaryDirectory(prefix="c2d-postgres-", ignore_cleanup_errors=True) as folder:
        server = Server(binaries, Path(folder))
        server.initialize()
        try:
            server.start()
            yield server
        finally:
            server.kill()


def _account() -> pwd.struct_passwd | None:
    """Who runs it: PostgreSQL refuses to be root. None: whoever we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("as root, these tests need an account postgres or nobody")


def _stat(pid: int) -> list[str]:
    """State, parent and so on; empty when there is no such process. Source: proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _parent(pid: int) -> int | None:
    stat = _stat(pid)
    return int(stat[1]) if stat else None


def _lives(pid: int) -> bool:
    stat = _stat(pid)
    return bool(stat) and stat[0] not in "ZX"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)
