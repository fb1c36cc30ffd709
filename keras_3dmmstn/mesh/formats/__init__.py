"""Readers of file formats, such that no file can do more than be refused.

Each reads a format's bytes in Python, or checks them before a library does: counts, sizes and
offsets against the bytes that there are, and memory against the size of the file. Nothing in a file
is run. Whatever is wrong with it ends in a ValueError that names it.
"""
