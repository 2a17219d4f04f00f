"""Results as assets, on a real chain. web3 is loaded here as the engine loads it, before any test imports it."""

from c2d.chain import loading

loading.load()
