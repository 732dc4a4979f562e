"""Griffe extension: docstrings for Sphinx, read as Markdown."""

import re
from typing import Any

import griffe

ROLE = re.compile(r':(?:class|func|meth|attr|mod|data):`~?([^`<]+)`')
LINK = re.compile(r'`([^`<]+) <([^>]+)>`_')
LITERAL = re.compile(r' ?::(?=\n\n)')


class SphinxRoles(griffe.Extension):
    """Turn roles into code and links into links of Markdown."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of an object."""
        if obj.docstring is not None:
            text = ROLE.sub(r'`\1`', obj.docstring.value)
            text = LINK.sub(r'[\1](\2)', text)
            obj.docstring.value = LITERAL.sub('', text)
