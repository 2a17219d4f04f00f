"""An engine as a process of its own, to be killed: `python -m tests.chain.killed CLUSTER RPC FACTORY PROVIDER`.

The cluster is a file, written anew after each write of the engine's, as an API server would keep it.
"""

import asyncio
import itertools
import os
import pickle
import sys
from pathlib import Path

from tests.chain.evm import Evm
from tests.chain.provider import EncryptingProvider
from tests.chain.story import AssetStory


def save(story: AssetStory, file: Path) -> None:
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_bytes(pickle.dumps(story.cluster.objects))
    draft.rename(file)


def load(story: AssetStory, file: Path) -> None:
    story.cluster.objects = pickle.loads(file.read_bytes())  # noqa: S301 - a test's own
    # Versions go on above those that were given.
    last = max(int(item["metadata"]["resourceVersion"]) for item in story.cluster.objects.values())
    story.cluster._versions = itertools.count(last + 1)


def main(file: Path, url: str, factory: str, origin: str) -> None:
    story = AssetStory(Evm(url, factory), EncryptingProvider(origin=origin))
    load(story, file)
    asyncio.run(story.engine_lives(after=lambda _: save(story, file)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
