"""The in-pod programs against real servers: HTTP with faults, S3 by versitygw, and files made by an enemy."""
