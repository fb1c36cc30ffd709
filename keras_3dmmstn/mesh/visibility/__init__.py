"""Which vertices are hidden, and where the apparent contour runs."""
