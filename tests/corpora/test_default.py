"""The text in the box: the one that its note names."""

from __future__ import annotations

from beyond_scaling import provenance
from beyond_scaling.corpora import documents
from beyond_scaling.corpora.default import default_text


def test_the_text_is_the_one_of_its_note() -> None:
    note = (default_text().parent / "README.md").read_text(encoding="utf-8")
    found = provenance.file_input(default_text())
    assert found["sha256"] in note
    assert f"{found['bytes']:,} bytes" in note
    assert note.startswith(f"# {found['name']}\n")


def test_it_is_one_document_of_plain_words() -> None:
    (text,) = documents(default_text())
    assert "I call our world Flatland" in text
    assert text.isascii()
    assert 150_000 < len(text) < 400_000
