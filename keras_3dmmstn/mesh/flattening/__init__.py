"""Flattens a face on the unit square and re-meshes it on a grid."""
