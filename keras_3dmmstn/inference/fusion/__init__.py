"""Several photographs of one person made into one texture."""
