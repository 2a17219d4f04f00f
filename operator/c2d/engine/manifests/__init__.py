"""The job's children as Kubernetes objects: pure functions of typed inputs, tested by whole-object equality."""
