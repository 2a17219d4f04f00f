"""The in-pod program that fills a job's volume: inputs, the algorithm, its parameters and the runner."""
