"""A real Kubernetes for development, demos and tests, on whatever this machine offers.

`python -m cluster up` takes, in this order: the cluster that a kubeconfig names, kind on Docker or Podman,
or the Kubernetes components themselves, built from source and run as plain processes (Linux and root).
"""
