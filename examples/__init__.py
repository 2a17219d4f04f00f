"""Jobs to read, to run and to test with."""
