"""Where results are kept: one small protocol, its implementations, and a reader of what was published."""
