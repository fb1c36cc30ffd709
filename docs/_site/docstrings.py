"""What mkdocstrings loads to read the docstrings of the package."""

import griffe
from house_style import as_markdown  # beside this file, in the path by hooks.py


class HouseStyle(griffe.Extension):
    """Turns sections into Markdown before a docstring is taken apart.

    Call arguments and sources are unknown to Google's style, and so are attributes that share a
    line. What is returned has no name there, and is a text here, not a list.
    """

    def on_object(self, *, obj, **kwargs):
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
