"""Training of the network on photographs with landmarks."""
