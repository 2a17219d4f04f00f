"""Publishing against the quickest program that puts files into a bucket."""
