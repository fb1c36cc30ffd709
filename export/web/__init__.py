"""A page that runs the network on the visitor's own machine."""
