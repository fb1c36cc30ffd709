"""Cuts a face out of a head and closes it to one disc."""
