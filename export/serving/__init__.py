"""The network on a server: SavedModel, its signatures, a client."""
