"""What every widget of the book shares: its bundled source, its style sheet and a repr that stays the same."""

from __future__ import annotations

from typing import ClassVar

import anywidget

from .bundle import HERE, bundle


class BookWidget(anywidget.AnyWidget):
    """An anywidget whose mathematics runs in the browser, so that it lives on in a page with no kernel.

    Subclasses name their module in ``source`` and the traits worth showing in ``shown``.
    """

    source: ClassVar[str]
    shown: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        if "source" in cls.__dict__:
            cls._esm = bundle(cls.source)
            cls._css = (HERE / "widgets.css").read_text(encoding="utf-8")
        super().__init_subclass__(**kwargs)

    def __repr__(self) -> str:
        # No model id: the same state prints the same line, which nbval compares.
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.shown)})"
