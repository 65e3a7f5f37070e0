"""What every widget of the book shares: bundled source, style sheet, a stable repr, and a value to observe."""

from __future__ import annotations

from typing import Any, ClassVar

import anywidget
import traitlets

from .bundle import HERE, bundle


class BookWidget(anywidget.AnyWidget):
    """An anywidget whose mathematics runs in the browser, so that it lives on in a page with no kernel.

    Subclasses name their module in ``source`` and the traits worth showing in ``shown``.

    Attributes:
        summary: read-only, written by the browser: what it found, in the words of each subclass.
        value: read-only, the same as ``summary``; the name under which ipywidgets' ``interactive_output`` and
            ``interact`` look for a control's state.
    """

    source: ClassVar[str]
    shown: ClassVar[tuple[str, ...]] = ()

    summary = traitlets.Dict(read_only=True).tag(sync=True)
    value = traitlets.Dict(read_only=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "source" in cls.__dict__:
            cls._esm = bundle(cls.source)
            cls._css = (HERE / "widgets.css").read_text(encoding="utf-8")
        super().__init_subclass__(**kwargs)

    @traitlets.observe("summary")
    def _mirror(self, change: Any) -> None:
        self.set_trait("value", change["new"])

    def __repr__(self) -> str:
        # No model id: the same state prints the same line, which nbval compares.
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.shown)})"
