"""`c2d`, also `kubectl c2d`: submit jobs, watch them, read their logs, fetch their results."""
