"""Text of others cannot steer the terminal it is shown on."""

from __future__ import annotations

import unicodedata

from smaker.core.terminal import sanitize


def test_sanitize_spells_out_what_a_terminal_would_obey() -> None:
    assert sanitize("\x1b]52;c;aGk=\x07\x1b[2J") == r"\x1b]52;c;aGk=\x07\x1b[2J"
    assert sanitize("abc\rxyz\r\nnext\tcell\n") == "abc\\x0dxyz\nnext\tcell\n"
    assert sanitize("safe\u202egnp.exe") == "safe\\u202egnp.exe"
    assert sanitize("a\u200bb\ufeff\U000e0041\udcff\x9b") == "a\\u200bb\\ufeff\\U000e0041\\udcff\\x9b"
    assert sanitize("Grüße, 世界 🚀 [@click=app.quit]") == "Grüße, 世界 🚀 [@click=app.quit]"


def test_sanitize_leaves_no_control_format_or_surrogate_character() -> None:
    left = [
        hex(code)
        for code in range(0x110000)
        if chr(code) not in "\n\t"
        and unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and sanitize(chr(code)) == chr(code)
    ]
    assert left == []
