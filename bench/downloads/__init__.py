"""How fast c2d-configure fetches files, against curl and aria2c in the same run."""
