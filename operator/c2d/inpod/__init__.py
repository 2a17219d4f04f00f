"""What the programs inside a job's pods share: their log, their report and how they end.

They have no rights in the cluster, so nothing here speaks to it.
"""
