"""Files of textured meshes."""
