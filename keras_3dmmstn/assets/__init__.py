"""Files that come with the package: the face model, the weights, the detector's networks and their cards."""
