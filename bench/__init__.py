"""What a job costs and how long it waits, as ratios to the bare work that Kubernetes itself needs for three pods.

`python -m bench` starts a control plane of its own whose nodes are fake, measures a bare chain of pods and the engine
one after the other on it, and ends it again.
"""
