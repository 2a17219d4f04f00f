"""The optional PostgreSQL: finished jobs that outlive their ComputeJob, and the signatures that were seen."""
