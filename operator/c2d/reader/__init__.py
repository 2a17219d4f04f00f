"""`c2d-reader`: hands out results that stay on a job's volume, to the operator-service and nobody else."""
