"""How often each kind of sentence occurs in the released Question-Formation data: not as the grammar's weights say.

Counted in the pairs that McCoy, Frank & Linzen (2020) released: the first 20,000 of the 100,000 for training, the
11,000 of the development and test splits together, and the 10,000 of the generalisation split. Words are uniform there,
and so are the numbers of nouns that the kind leaves open; ``tools/check_question_formation.py`` counts it all again.

No line occurs twice, neither within a split nor in two of them. Short sentences are few: those with a plain subject and
an intransitive verb run out, so that their share falls along the training split and hardly any are held out.
"""

from __future__ import annotations

from dataclasses import dataclass

Table = tuple[tuple[int, int, int, int], tuple[int, int, int, int], tuple[int, int, int, int]]

_NONE: Table = ((0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))


@dataclass(frozen=True)
class Counts:
    """Lines of each task, by how subject and object are modified; and relative clauses by kind.

    Rows are ``MODIFIERS`` of the subject, columns ``OBJECTS``, clauses are in the order of ``CLAUSES``.
    """

    quest: Table
    decl: Table
    subject_clauses: tuple[int, int, int]
    object_clauses: tuple[int, int, int]


_HELD_OUT = Counts(
    quest=((350, 460, 348, 352), (0, 0, 0, 0), (915, 1127, 30, 858)),
    decl=((372, 473, 373, 341), (487, 651, 435, 453), (897, 1193, 35, 850)),
    subject_clauses=(516, 998, 512),
    object_clauses=(1924, 976, 1004),
)

RELEASED: dict[str, Counts] = {
    "train": Counts(
        quest=((582, 747, 548, 541), (0, 0, 0, 0), (1409, 1892, 1106, 1460)),
        decl=((576, 776, 529, 586), (810, 1069, 760, 798), (1404, 1919, 1052, 1436)),
        subject_clauses=(847, 1756, 834),
        object_clauses=(3274, 1517, 1612),
    ),
    "dev": _HELD_OUT,
    "test": _HELD_OUT,
    "gen": Counts(
        quest=((0, 0, 0, 0), (2077, 0, 5921, 2002), (0, 0, 0, 0)),
        decl=_NONE,
        subject_clauses=(3204, 3333, 3463),
        object_clauses=(0, 0, 0),
    ),
}
