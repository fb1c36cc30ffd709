"""Turns photographed faces out of the plane."""
