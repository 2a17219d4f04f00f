"""Ocean's contracts on an Ethereum chain, and the Provider that encrypts for them.

web3 is imported by `node` and `calls` only, and these are loaded when the first asset is published: an engine without
a chain never has any of it in memory.
"""
