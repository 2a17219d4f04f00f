"""The operator-engine: observe -> decide (pure) -> act -> status -> what the status announced, once per pass and job.

It has no exceptions of its own: what can fail here is the API server (`c2d.kube.errors`), and what fails in a pod is a
value (`c2d.engine.diagnose.Failure`).
"""
