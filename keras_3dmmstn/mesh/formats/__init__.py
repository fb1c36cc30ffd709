"""Readers of file formats that are safe on any file: the worst it can do is be refused.

Each reads a format's bytes in Python, or checks them before a library reads them: counts, sizes and
offsets against the number of bytes, and memory against the size of the file. Nothing in a file is
executed. Any fault raises a ValueError that names the file.
"""
