"""The Ocean network's own formats: signatures and workflows. Pure: no I/O, no clock."""
