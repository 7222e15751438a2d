"""What cannot be read at all, and what is made plain before it is read."""

from __future__ import annotations

import pytest

from smaker.agents.offline.reader.language.guard import MAX_CHARACTERS, clean
from smaker.core.errors import Refused, UsageError


@pytest.mark.parametrize("prompt", ["", " ", "\n\t \n", '""', "\ufeff", "\u200b"])
def test_empty(prompt: str) -> None:
    with pytest.raises(UsageError, match="empty") as raised:
        clean(prompt)
    assert raised.value.exit_code == 2
    assert "smaker init" in raised.value.hint


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x1b", "\x7f", "\x85", "\ud800", "\ue000"])
def test_control_characters(character: str) -> None:
    with pytest.raises(UsageError, match=r"control character \(U\+[0-9A-F]{4} at position 12\)"):
        clean(f"A REST API {character}to track books")


def test_length() -> None:
    assert clean("a " * (MAX_CHARACTERS // 2))
    with pytest.raises(UsageError, match="too long"):
        clean("a" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize(
    "prompt",
    [
        "Eine REST-Schnittstelle für Bücher und Ausleihen mit Titel und Autor",
        "une application web pour gérer des livres",
        "Quiero una aplicación para los libros de la biblioteca",
        "un'applicazione per gestire i libri della biblioteca che sono in prestito",
        "本と貸出を管理するAPI",
        "REST API для учёта книг и выдач",
    ],
)
def test_other_languages(prompt: str) -> None:
    with pytest.raises(Refused, match="English") as raised:
        clean(prompt)
    assert raised.value.exit_code == 4
    assert "smaker config set llm.mode" in raised.value.hint


@pytest.mark.parametrize(
    "prompt",
    [
        "Total per account, total per category, list by month",
        "A REST API for cafés in Los Angeles (name, El Niño tracker)",
        "la carte: menus (name)",
    ],
)
def test_english_with_foreign_words(prompt: str) -> None:
    assert clean(prompt)


def test_no_words() -> None:
    with pytest.raises(Refused, match="no words"):
        clean("123 456 !!!")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("books \u201ctitle\u201d", "books  title "),
        ("rating 1\u20135", "rating 1-5"),
        ("notes [title, body]", "notes (title, body)"),
        ("a\r\nb", "a\nb"),
        ("e.g. books", "eg books"),
        ("API w/ books", "API with  books"),
        ("sign-up and log-in", "sign up and log in"),
        ("paid yes/no. Mark", "paid yes/no. Mark"),
        ("non-negative", "non negative"),
    ],
)
def test_plain_form(written: str, plain: str) -> None:
    assert clean(written) == plain
