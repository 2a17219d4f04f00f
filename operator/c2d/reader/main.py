"""The command."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from c2d.api import reading
from c2d.kube import proof
from c2d.reader.app import Access, application, serve
from c2d.storage.kept import KeptStore


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("c2d-reader", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path(reading.ROOT), help="the folder that publish made")
    parser.add_argument("--port", type=int, default=reading.PORT)
    return parser.parse_args(arguments)


def access(environ: Mapping[str, str]) -> Access:
    """Raises SystemExit with the variable's name."""
    try:
        trusted = proof.parse_keys(environ.get(reading.KEYS, ""))
    except ValueError:
        raise SystemExit(f"{reading.KEYS} must have the API server's issuer and public keys, as JSON") from None
    return Access(trusted, frozenset(name for name in environ.get(reading.SUBJECTS, "").split(",") if name))


def main() -> int:
    arguments = parse_arguments(sys.argv[1:])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    asyncio.run(_run(arguments, access(os.environ)))
    return 0


async def _run(arguments: argparse.Namespace, allowed: Access) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(application(KeptStore(arguments.results), allowed), arguments.port, stop)


if __name__ == "__main__":
    sys.exit(main())
