"""The demo: a regression on data that stays where it is, from the upload to the picture."""
