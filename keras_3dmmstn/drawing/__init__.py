"""Draws and writes pictures: overlays, figures, renderings."""
