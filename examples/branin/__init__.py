"""A regression on a private dataset: the example of the tutorial and of the demo."""
