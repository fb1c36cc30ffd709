"""What comes with the package: face model, weights, the detector's networks and their cards."""
