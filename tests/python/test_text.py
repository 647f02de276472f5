"""What is shown has no control character in it, and says the same otherwise."""

from __future__ import annotations

import pickle

import pytest

import bundlepool as bp
from bundlepool import _text, errors

CONTROLS = ("\x00\x07\x08\x0b\x0c\r\x1b\x1f\x7f\x80\x85\x9b\x9f\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"
            "\ud800\udfff")


@pytest.mark.parametrize("character", CONTROLS, ids=ascii)
def test_no_control(character: str) -> None:
    assert _text.clean_lines(f"a{character}b") == "a?b" == _text.clean(f"a{character}b")
    assert _text.escape(f"<{character}&") == "&lt;?&amp;"


def test_all_else_stays() -> None:
    text = "Zürich 東 📈 \u2027 \u202f \u2065 \u061b\n\tnext"
    assert _text.clean_lines(text) == text
    assert _text.clean(text) == "Zürich 東 📈 \u2027 \u202f \u2065 \u061b??next"
    assert _text.escape('<b "\n">') == "&lt;b &quot;\n&quot;&gt;"


def test_errors() -> None:
    error = errors.from_status(3, "BP_EFORMAT", "\x1b[31mx\u202e.h5: no bundle\n  line 2")
    assert str(error) == "?[31mx?.h5: no bundle\n  line 2" == error.text == str(pickle.loads(pickle.dumps(error)))
    assert isinstance(error, bp.FormatError)
    with pytest.raises(bp.Error) as failure:
        bp.load("\x1b[31m\x9bx", root=".")
    assert not set(str(failure.value)) & set(CONTROLS)
