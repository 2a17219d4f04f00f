"""Compute-to-Data on Kubernetes."""

__version__ = "0.1.0"
