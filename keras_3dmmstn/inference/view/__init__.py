"""A fitted face seen from anywhere, in the photograph's own pixels."""
