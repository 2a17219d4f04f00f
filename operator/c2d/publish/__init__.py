"""The in-pod program that stores a job's results: outputs and logs to S3 or IPFS, then the manifest.

What the algorithm left is taken for hostile: see inventory.py.
"""
