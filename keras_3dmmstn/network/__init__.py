"""The network of the paper: localiser, grid generator, sampler, losses, and what trains it."""
