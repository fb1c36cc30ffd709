def measure_textures(normaliser):
    return {}
