"""What is written of a video: pictures that move, and tables."""
