"""Hold the released Question-Formation pairs against the grammar: ``python tools/check_question_formation.py FOLDER``.

FOLDER has files ``question.train``, ``question.dev``, ``question.test``, ``question.gen``, or some of them; a number
may follow, as in ``question.train20k``. Prints for each file: lines, repeats, words, violations of the grammar or of
the split's filter; kinds of sentences against the counts in ``corpora/released.py`` (p is generous where these were
made from the same file), words and numbers against uniform ones; and three losses: in nats per target of our exact
model of the split, with a standard error, and of a weighted grammar estimated from the lines themselves for each task;
in nats per sentence of the grammar's own weights. Status 1 if anything is violated, 2 if there is nothing to check.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import chi2, chisquare

from beyond_scaling.corpora.grammar import TASKS, words
from beyond_scaling.corpora.grammar_entropy import entropy, sample_loss
from beyond_scaling.corpora.language import language
from beyond_scaling.corpora.sentence_forms import SentenceForm, sentence_forms

NAME = re.compile(r"question\.(train|dev|test|gen)(\d+k?)?")
LEAST = 1e-4  # p-value below which frequencies count as others
CATEGORY = {word: category for category, listed in words().items() for word in listed}
FORMS = {form.categories: form for form in sentence_forms()}


def form_of(line: str) -> tuple[str, SentenceForm | None]:
    """The task of a line and the form of its sentence; None if the grammar has no such sentence."""
    *sentence, task = line.partition("\t")[0].split(" ")
    return task, FORMS.get(tuple(CATEGORY.get(word, "") for word in sentence))


def kind(task: str, form: SentenceForm) -> tuple[str, ...]:
    """What the counts of ``released.py`` tell apart."""
    return task, form.subject, form.object, form.subject_clause or "", form.object_clause or ""


def g_test(observed: Counter[tuple[str, ...]], expected: dict[tuple[str, ...], float]) -> float:
    """p-value of the counts, cells of fewer than five expected ones put together."""
    total = sum(observed.values())
    cells = [(observed[key], share * total) for key, share in expected.items() if share * total >= 5]
    rest = (total - sum(o for o, _ in cells), total - sum(e for _, e in cells))
    if rest[1] > 1e-6:
        cells.append(rest)
    g = 2 * sum(o * math.log(o / e) for o, e in cells if o)
    return float(chi2.sf(g, len(cells) - 1))


def estimated_nats(lines: Sequence[str]) -> float:
    """Nats of a line under a weighted grammar with the lines' own frequencies, of each task apart."""
    nats = 0.0
    tasks = Counter(form_of(line)[0] for line in lines)
    for task, often in tasks.items():
        used: Counter[tuple[str, str]] = Counter()
        for line in lines:
            other, form = form_of(line)
            if other == task and form is not None:
                used.update(form.productions)
                used.update((CATEGORY[word], word) for word in line.partition("\t")[0].split(" ")[:-1])
        totals: Counter[str] = Counter()
        for (symbol, _), count in used.items():
            totals[symbol] += count
        nats -= sum(count * math.log(count / totals[symbol]) for (symbol, _), count in used.items())
        nats -= often * math.log(often / len(lines))
    return nats / len(lines)


def own_nats(lines: Sequence[str]) -> float:
    """Nats of a sentence under the grammar's own weights, its task left out."""
    total = 0.0
    for line in lines:
        form = form_of(line)[1]
        assert form is not None
        total -= math.log(form.probability) - sum(math.log(len(words()[category])) for category in form.categories)
    return total / len(lines)


def word_tests(lines: Sequence[str]) -> dict[str, float]:
    """p-values of uniform words, category by category, and of the numbers of subjects."""
    counted = Counter(word for line in lines for word in line.partition("\t")[0].split(" "))
    found = {
        category: float(chisquare([counted[word] for word in listed]).pvalue)
        for category, listed in words().items()
        if len(listed) > 1
    }
    subjects = Counter(CATEGORY[line.split(" ")[1]] for line in lines)
    return found | {"number of the subject": float(chisquare([subjects["N_sg"], subjects["N_pl"]]).pvalue)}


def check(path: Path, split: str) -> list[str]:
    """Print what a file holds; the violations, in words."""
    lines = _lines(path)
    known = language(split, "released")  # type: ignore[arg-type]
    strangers = [line for line in lines if math.isinf(known.log_probability(line))]
    told = {word for line in lines for word in line.replace("\t", " ").split(" ")}
    expected_words = set(CATEGORY) - ({"decl"} if split == "gen" else set())
    print(f"{path.name}: {len(lines):,} lines, {len(lines) - len(set(lines)):,} repeated, {len(told)} words, "
          f"{len(strangers):,} violations of the grammar or the filter of {split!r}")  # fmt: skip
    problems = [f"{path.name}: no line of {split!r}: {line!r}" for line in strangers[:5]]
    if told != expected_words:
        problems.append(f"{path.name}: words {sorted(told ^ expected_words)} too many or missing")
    if len(set(lines)) < len(lines):
        problems.append(f"{path.name}: lines that repeat")
    if strangers or not lines:
        return problems or [f"{path.name}: empty"]

    seen = Counter(kind(task, form) for task, form in map(form_of, lines) if form is not None)
    by_categories: dict[tuple[str, ...], tuple[str, ...]] = {}
    for task in TASKS:
        for form in sentence_forms():
            by_categories[*form.categories, task] = kind(task, form)
    shares: dict[tuple[str, ...], float] = defaultdict(float)
    for form, probability in known.forms.items():
        shares[by_categories[tuple(slot.category for slot in form.slots[: form.sentence + 1])]] += probability
    kinds = g_test(seen, shares)
    uniform = word_tests(lines)
    worst = min(uniform, key=lambda name: uniform[name])
    print(f"  kinds of lines against released.py: G-test p = {kinds:.3g} ({len(shares)} kinds)")
    print(f"  uniform words and numbers: least p = {uniform[worst]:.3g} of {len(uniform)}, {worst}")
    if kinds < LEAST:
        problems.append(f"{path.name}: kinds of lines are not those of released.py (p = {kinds:.2g})")
    if uniform[worst] < LEAST / len(uniform):
        problems.append(f"{path.name}: {worst}: not uniform (p = {uniform[worst]:.2g})")

    targets = float(np.mean([len(line.replace("\t", " ").split(" ")) + 1 for line in lines]))
    found = sample_loss(lines, split, "released")  # type: ignore[arg-type]
    model = entropy(split, "released")  # type: ignore[arg-type]
    print(f"  {targets:.4f} targets a line (expected {model.targets:.4f})")
    print(f"  loss of the exact model of the split: {found.value:.5f} ± {found.error:.5f} on these lines, "
          f"{model.per_target:.5f} expected")  # fmt: skip
    estimated = estimated_nats(lines)
    print(f"  of a weighted grammar estimated from them for each task: {estimated / targets:.5f} "
          f"({estimated:.4f} nats a line)")  # fmt: skip
    print(f"  nats of a sentence under the grammar's own weights: {own_nats(lines):.6f}")
    short = sum(len(form.categories) == 5 for _, form in map(form_of, lines) if form is not None)
    print(f"  plain subject, intransitive verb: {short / len(lines):.4f} of the lines")
    return problems


def shared(files: Iterable[Path]) -> list[str]:
    """Lines that two files have in common, as problems."""
    seen: dict[str, str] = {}
    twice: Counter[tuple[str, str]] = Counter()
    for path in files:
        for line in set(_lines(path)):
            if line in seen:
                twice[seen[line], path.name] += 1
            seen[line] = path.name
    return [f"{first} and {second} have {count:,} lines in common" for (first, second), count in twice.items()]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="of the files question.train, .dev, .test, .gen")
    folder = parser.parse_args(arguments).folder
    files = {path: found.group(1) for path in sorted(folder.glob("question.*")) if (found := NAME.fullmatch(path.name))}
    if not files:
        print(f"{folder}: no file question.train, .dev, .test or .gen", file=sys.stderr)
        return 2
    try:
        problems = [problem for path, split in files.items() for problem in check(path, split)] + shared(files)
    except (OSError, UnicodeDecodeError) as error:
        print(f"{folder}: {error}", file=sys.stderr)
        return 2
    print("\n".join(problems) if problems else f"{len(files)} files: no violation")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
