"""Text from files, journals and strategies on its way to a terminal or a page of HTML.

Whatever is shown goes through here: a control character could move the cursor, one that turns the direction of text could
forge what is read, and what is no text cannot be encoded. Data is not changed: a symbol stays what the file says.
"""

from __future__ import annotations

import re

__all__ = ["clean", "clean_lines", "escape"]

# C0 but for tab and line feed, DEL, C1, marks of direction, ends of lines and paragraphs, halves of pairs
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean_lines(text: str) -> str:
    """A text that may have several lines, with "?" in the place of what does something and is not seen."""
    return _CONTROL.sub("?", text)


def clean(text: str) -> str:
    """The same of a text that is one line."""
    return clean_lines(text).replace("\n", "?").replace("\t", "?")


def escape(text: str) -> str:
    """The same as HTML."""
    import html  # where it is needed, and no earlier

    return html.escape(clean_lines(text))
