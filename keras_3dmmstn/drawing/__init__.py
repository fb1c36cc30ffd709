"""Every picture that is written: overlays, figures, renderings."""
