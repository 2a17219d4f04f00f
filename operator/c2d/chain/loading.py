"""Loads what imports web3, when there is something to publish: it takes a second or two."""

import importlib
import sys


def load() -> None:
    """`account`, `calls` and `node`, with all that they need.

    py_ecc, which comes with web3, lets the whole process recurse a hundred times deeper when it is imported. JSON that
    is nested on purpose would then end the process instead of being refused, so that is taken back.
    """
    limit = sys.getrecursionlimit()
    importlib.import_module("py_ecc")
    sys.setrecursionlimit(limit)
    for name in ("account", "calls", "node"):
        importlib.import_module(f"c2d.chain.{name}")
