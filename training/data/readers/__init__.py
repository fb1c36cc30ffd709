"""The formats of labelled photographs."""
