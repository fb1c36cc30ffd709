"""The network of the paper: localiser, grid generator, sampler, losses, and its training model."""
