"""Keeps the API server's public keys at hand, for the pods that read results."""

import asyncio
import logging

from c2d.engine.observe import World
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.tokens import fetch_keys

logger = logging.getLogger(__name__)

_ROUND, _RETRY = 600.0, 5.0  # seconds


async def fetch_for_ever(client: Client, world: World) -> None:
    """Old keys are better than none: those that are known stay while there is no answer."""
    while True:
        try:
            world.reader_keys = (await fetch_keys(client)).text
            await asyncio.sleep(_ROUND)
        except errors.KubeError as error:
            logger.warning("the keys of the API server can't be had, results on volumes can't be read: %s", error)
            await asyncio.sleep(_RETRY)
