"""Flattens a face onto the unit square and re-meshes it on a grid."""
