"""Fits the face model to labelled points."""
