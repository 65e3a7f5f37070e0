"""Where this edition is published, if anywhere: from the environment, so that a fork needs to change no file.

``BOOK_REPOSITORY``: ``owner/name`` on GitHub, where its sources and issues are. ``BOOK_BRANCH``: the branch of the
sources (``main``). ``BOOK_URL``: the address of the published site. A book built without them is whole; it has no
launch and feedback links.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_URL = re.compile(r"https://[^\s\"'<>]+/")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")

NOTEBOOKS = "notebooks"  # the branch to which the publishing workflow pushes the chapters as .ipynb


@dataclass(frozen=True)
class Publication:
    """Where an edition is published.

    Attributes:
        repository: ``owner/name`` on GitHub; "" if it is not known.
        branch: the branch of the sources.
        url: the address of the site, with a slash at its end; "" if it is not known.
    """

    repository: str = ""
    branch: str = "main"
    url: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Publication:
        """What the environment says.

        Raises:
            ValueError: a value is not of the form that this module's text gives.
        """
        repository = environment.get("BOOK_REPOSITORY", "")
        branch = environment.get("BOOK_BRANCH", "") or "main"
        url = environment.get("BOOK_URL", "")
        if url and not url.endswith("/"):
            url += "/"
        for name, value, form, example in (
            ("BOOK_REPOSITORY", repository, _REPOSITORY, "owner/name"),
            ("BOOK_BRANCH", branch, _BRANCH, "main"),
            ("BOOK_URL", url, _URL, "https://owner.github.io/name/"),
        ):
            if value and not form.fullmatch(value):
                raise ValueError(f"{name} is {value!r}; expected something like {example}")
        return cls(repository, branch, url)

    @property
    def source(self) -> str:
        """The repository's address; "" if it is not known."""
        return f"https://github.com/{self.repository}" if self.repository else ""

    def feedback(self, page: str, title: str) -> str:
        """The address at which to report something about a page; "" without a repository.

        Args:
            page: such as ``"theory/attention"``.
            title: the page's title.
        """
        if not self.repository:
            return ""
        body = f"Page: {page}\n\nWhich claim or number, and what should it be?\n"
        return f"{self.source}/issues/new?{urlencode({'title': f'{title}: ', 'body': body}, quote_via=quote)}"

    def launches(self, page: str) -> dict[str, str]:
        """Services that run a chapter, by name, with the address that opens it there; empty without a repository."""
        if not self.repository:
            return {}
        notebook = f"{self.repository}/blob/{NOTEBOOKS}/{quote(page)}.ipynb"
        chapter = quote(f"lab/tree/book/{page}.md", safe="")
        return {
            "Colab": f"https://colab.research.google.com/github/{notebook}",
            "Kaggle": "https://kaggle.com/kernels/welcome?"
            + urlencode({"src": f"https://github.com/{notebook}"}, quote_via=quote),
            "Binder": f"https://mybinder.org/v2/gh/{self.repository}/{self.branch}?urlpath={chapter}",
        }
