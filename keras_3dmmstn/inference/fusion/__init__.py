"""Fuses several photographs of one person into one texture."""
