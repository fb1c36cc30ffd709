"""Faces tracked through a video: frames, scene cuts, tracks and smoothing."""
