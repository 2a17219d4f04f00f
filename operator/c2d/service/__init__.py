"""The operator-service: Providers start, watch and stop jobs here, and fetch their results.

A request is parsed (pure), authenticated (pure), carried out against the API server or answered from the mirror.
"""
