"""Files that come with the package: the face model, the weights and their cards."""
