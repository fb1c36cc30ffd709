"""Numbers by which faces are chosen: size, pose, light, sharpness, open mouths, closed eyes."""
