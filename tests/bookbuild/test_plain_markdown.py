"""MyST becomes Markdown that a notebook reader without extensions shows as it is meant."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from beyond_scaling.bookbuild.plain_markdown import plain


class Echo:
    """A book that answers with what it was asked."""

    def role(self, name: str, target: str, words: str | None) -> str:
        return f"<{name} {target}{f' as {words}' if words else ''}>"

    def directive(self, name: str, argument: str, options: Mapping[str, str]) -> str:
        return f"<{name} {argument} {dict(options)}>"

    def link(self, target: str) -> str:
        return "" if target == "nowhere.md" else f"to/{target}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain *words*, $a_b$ and `code`", "plain *words*, $a_b$ and `code`"),
        ("It {verdict}`prop-4`.", "It <verdict prop-4>."),
        ("{verdict}`fails for\n$n$ <prop-4>`", "<verdict prop-4 as fails for\n$n$>"),
        ("two\n{cite:p}`a,b`{cite:t}`c`", "two\n<cite:p a,b><cite:t c>"),
        ("as `{eq}` says, {eq}`paper-4`", "as `{eq}` says, <eq paper-4>"),
        ("[Chapter 5](layers.md) and [`code`](a.md#b)", "[Chapter 5](to/layers.md) and [`code`](to/a.md#b)"),
        ("[gone](nowhere.md), [out](https://example.org/a)", "gone, [out](https://example.org/a)"),
        ("$f[a](b)$ is no link", "$f[a](b)$ is no link"),
        ("$$\nE = 1 \\tag{4}\n$$ (paper-4)\nmore", "$$\nE = 1 \\tag{4}\n$$\nmore"),
        ("(a-target)=\n## Title\n% a remark", "## Title"),
        ("```\n{eq}`not-a-role`\n```", "```\n{eq}`not-a-role`\n```"),
        ("```{provenance} a*\n:summary: Where\n```", "<provenance a* {'summary': 'Where'}>"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert plain(text, Echo()) == expected


def box(colour: str, title: str, text: str) -> str:
    return f'<div class="alert alert-{colour}">\n\n**{title}**\n\n{text}\n\n</div>'


def test_an_admonition_becomes_a_box_with_its_title() -> None:
    inside = "It says {verdict}`holds`.\n\n$$\na\n$$ (b)"
    text = f":::{{admonition}} Claim of {{eq}}`paper-4`\n:class: claim\n{inside}\n:::\nAfter"
    told = box("info", "Claim of <eq paper-4>", "It says <verdict holds>.\n\n$$\na\n$$")
    assert plain(text, Echo()) == f"{told}\nAfter"
    assert plain(":::{warning}\nHot.\n:::", Echo()) == box("warning", "Warning", "Hot.")


def test_a_dropdown_folds_and_may_hold_others() -> None:
    text = "::::{dropdown} A proof with `x < 1`, **really**\nOutside.\n:::{note}\nInside.\n:::\n::::"
    assert plain(text, Echo()) == (
        "<details>\n<summary>A proof with <code>x &lt; 1</code>, <b>really</b></summary>\n\nOutside.\n"
        f"{box('info', 'Note', 'Inside.')}\n\n</details>"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (":::{dropdown} Open\nfor ever", "has no end in its cell"),
        ("$$\na = b", "the formula after '\\$\\$' has no end"),
    ],
)
def test_what_has_no_end_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plain(text, Echo())
