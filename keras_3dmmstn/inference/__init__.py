"""Photographs in, normalised faces out."""
