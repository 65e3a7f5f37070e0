"""Check every link that leads out of the book: ``python tools/links.py SITE [FILE.md ...]``.

SITE is a built book; links of Markdown files are looked for too. Each address is asked for once: HEAD first, GET where
HEAD is refused, again after a while when the server is busy or silent; hosts side by side, requests to one host one
after the other with a pause between. ``tools/links.toml`` lists addresses that are not asked for, each with its reason.

Status 0 if every link leads somewhere, 1 if one does not, 2 if the call or the list is wrong.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urldefrag, urlsplit

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = ROOT / "tools" / "links.toml"
AGENT = "Mozilla/5.0 (compatible; energy-memory-and-scale link check)"

TRIES = 3
WAIT = 5.0  # seconds before the second try, twice as long before the third
LONGEST = 60.0  # seconds that a server may ask us to wait
PAUSE = 1.0  # seconds between two requests to one host
TIMEOUT = 30.0
HOSTS = 8  # asked at the same time

# A server that will not answer HEAD says so in many ways; only GET's answer counts.
_WORTH_A_GET = frozenset({400, 401, 403, 404, 405, 406, 410, 429, 501, 503})
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})

_MARKDOWN = re.compile(r"https?://[^\s<>\"'`\\\]}|]+")
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What came of asking for an address: "" if it leads somewhere; where it now is, if it has moved for good."""

    problem: str = ""
    moved: str = ""


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"href", "src"} and value and re.match(r"(?:https?:)?//", value.strip(), re.IGNORECASE):
                address = value.strip()
                self.found.add(f"https:{address}" if address.startswith("//") else address)


def in_html(text: str) -> set[str]:
    parser = _Addresses()
    parser.feed(text)
    return parser.found


def in_markdown(text: str) -> set[str]:
    """Addresses in a Markdown text, its code blocks left out."""
    found = set()
    for match in _MARKDOWN.finditer(_FENCED.sub("", text)):
        address = match[0].rstrip(".,;:!?*_")
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(".,;:!?*_")
        found.add(address)
    return found


def collect(site: Path, files: Iterable[Path]) -> dict[str, list[str]]:
    """Where each address stands, by address without its fragment."""
    places: dict[str, set[str]] = defaultdict(set)
    for path in sorted(site.rglob("*.html")):
        for address in in_html(path.read_text(encoding="utf-8")):
            places[urldefrag(address)[0]].add(path.relative_to(site).as_posix())
    for path in files:
        for address in in_markdown(path.read_text(encoding="utf-8")):
            places[urldefrag(address)[0]].add(path.as_posix())
    return {address: sorted(found) for address, found in sorted(places.items())}


def allowances(path: Path) -> dict[re.Pattern[str], str]:
    """The reasons for not asking, by the pattern that a whole address must match.

    Raises:
        ValueError: an entry without a pattern or a reason, or a pattern that is none.
    """
    found = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("allowed", []):
        if set(entry) != {"pattern", "reason"} or not all(isinstance(v, str) and v.strip() for v in entry.values()):
            raise ValueError(f"{path.name}: {entry}: expected a pattern and a reason, both in words")
        try:
            found[re.compile(entry["pattern"])] = entry["reason"]
        except re.error as error:
            raise ValueError(f"{path.name}: {entry['pattern']!r} is no pattern: {error}") from None
    return found


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and remembers whether all of them were for good."""

    def __init__(self) -> None:
        self.for_good = True

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        self.for_good &= code in {301, 308}
        followed = super().redirect_request(req, fp, code, msg, headers, newurl)
        if followed is not None:
            followed.method = req.get_method()
        return followed


def ask_once(address: str, method: str) -> tuple[int, str, float]:
    """Status, final address if moved for good, and how long the server asks us to wait; OSError if it is silent."""
    stay = _Stay()
    request = urllib.request.Request(
        quote(address, safe="%/:=&?~#+!$,;'@()*[]"), method=method, headers={"User-Agent": AGENT, "Accept": "*/*"}
    )
    try:
        with urllib.request.build_opener(stay).open(request, timeout=TIMEOUT) as reply:
            moved = reply.url if stay.for_good and urldefrag(reply.url)[0] != request.full_url else ""
            return reply.status, moved, 0.0
    except urllib.error.HTTPError as error:
        with error:
            after = error.headers.get("Retry-After", "")
        return error.code, "", float(after) if after.isdigit() else 0.0


def ask(address: str, sleep: Callable[[float], None] = time.sleep) -> Answer:
    """Whether an address leads somewhere, after as many tries as are due."""
    problem = ""
    for attempt in range(TRIES):
        after = 0.0
        try:
            status, moved, after = ask_once(address, "HEAD")
            if status in _WORTH_A_GET and not after:
                sleep(PAUSE)
                status, moved, after = ask_once(address, "GET")
            if status < 400:
                return Answer(moved=moved)
            problem = f"status {status}"
            if status not in _BUSY:
                return Answer(problem)
        except (OSError, ValueError) as error:
            problem = str(getattr(error, "reason", None) or error) or type(error).__name__
        if attempt < TRIES - 1:
            sleep(min(max(after, WAIT * 2**attempt), LONGEST))
    return Answer(f"{problem}, {TRIES} times")


def check(addresses: Iterable[str], sleep: Callable[[float], None] = time.sleep) -> dict[str, Answer]:
    """The answers, by address."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for address in addresses:
        hosts[urlsplit(address).netloc.lower()].append(address)

    def one_host(wanted: list[str]) -> dict[str, Answer]:
        answers = {}
        for number, address in enumerate(wanted):
            if number:
                sleep(PAUSE)
            answers[address] = ask(address, sleep)
        return answers

    with ThreadPoolExecutor(HOSTS) as pool:
        return {address: answer for part in pool.map(one_host, hosts.values()) for address, answer in part.items()}


def main(arguments: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    parser = argparse.ArgumentParser(prog="links", description="Check every link that leads out of the book.")
    parser.add_argument("site", type=Path, help="the folder of a built book")
    parser.add_argument("files", nargs="*", type=Path, help="Markdown files whose links are checked too")
    parser.add_argument("--allowed", type=Path, default=ALLOWED, help="addresses not to ask for (%(default)s)")
    parser.add_argument("--list", action="store_true", help="only say which links there are, and ask nobody")
    args = parser.parse_args(arguments)
    try:
        if not (args.site / "index.html").is_file():
            raise ValueError(f"{args.site}: no index.html there; name the folder of a built book")
        places = collect(args.site, args.files)
        reasons = allowances(args.allowed)
    except (OSError, ValueError) as problem:
        print(f"links: {problem}", file=sys.stderr)
        return 2
    spared = {address: why for address in places for pattern, why in reasons.items() if pattern.fullmatch(address)}
    if args.list:
        for address, found in places.items():
            print(f"{address}  ({', '.join(found)})" + (f"  not asked: {spared[address]}" if address in spared else ""))
        return 0
    answers = check([address for address in places if address not in spared], sleep)
    broken = {address: answer for address, answer in answers.items() if answer.problem}
    for address, answer in sorted(answers.items()):
        if answer.problem:
            print(f"broken: {address}: {answer.problem} (on {', '.join(places[address])})")
        elif answer.moved:
            print(f"moved for good: {address} is now {answer.moved} (on {', '.join(places[address])})")
    good = len(answers) - len(broken)
    print(f"{len(places)} links: {good} lead somewhere, {len(broken)} broken, {len(spared)} not asked")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
