"""Writes the results of a video: videos and tables."""
