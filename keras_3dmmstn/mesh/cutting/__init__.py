"""Cuts a face out of a head and closes its holes, so that it is one disc."""
