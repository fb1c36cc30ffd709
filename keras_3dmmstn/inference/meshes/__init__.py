"""A fitted face as a textured mesh, for programs that show and edit meshes."""
