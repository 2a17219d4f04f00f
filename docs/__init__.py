"""The documentation; generate.py writes the parts of it that the code knows better."""
