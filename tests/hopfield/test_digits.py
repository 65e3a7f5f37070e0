"""The digits in the box: those of their note, spread over the classes, all different."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from beyond_scaling.hopfield.digits import FILE, digit_labels, digits


def test_the_file_is_the_one_of_its_note() -> None:
    note = (FILE.parent / "README.md").read_text(encoding="utf-8")
    held = FILE.read_bytes()
    assert hashlib.sha256(held).hexdigest() in note
    assert f"{len(held):,} bytes" in note
    assert "Attribution 4.0" in note


def test_the_first_image_is_the_first_of_the_source() -> None:
    assert_array_equal(
        digits(1, binary=False).reshape(8, 8),
        [
            [0, 0, 5, 13, 9, 1, 0, 0],
            [0, 0, 13, 15, 10, 15, 5, 0],
            [0, 3, 15, 2, 0, 11, 8, 0],
            [0, 4, 12, 0, 0, 8, 8, 0],
            [0, 5, 8, 0, 0, 9, 8, 0],
            [0, 4, 11, 0, 1, 12, 7, 0],
            [0, 2, 14, 5, 10, 12, 0, 0],
            [0, 0, 6, 13, 10, 0, 0, 0],
        ],
    )


def test_black_and_white_is_grey_at_a_threshold() -> None:
    grey, binary = digits(200, binary=False), digits(200)
    assert grey.min() == 0
    assert grey.max() == 16
    assert_array_equal(binary, np.where(grey > 5.5, 1, -1))
    assert grey.dtype == binary.dtype == np.float64


@pytest.mark.parametrize("count", [1, 10, 37, 100, 200])
def test_every_beginning_is_spread_over_the_classes(count: int) -> None:
    labels = digit_labels(count)
    assert labels.shape == (count,)
    assert np.ptp(np.bincount(labels, minlength=10)) == (count % 10 > 0)
    assert_array_equal(digits(count), digits(200)[:count])


def test_no_two_are_equal() -> None:
    assert len(np.unique(digits(200), axis=0)) == 200


def test_the_labels_fit_the_images() -> None:
    """The mean image of a class, without the image itself, is the nearest of the ten for nearly all."""
    grey, labels = digits(200, binary=False), digit_labels(200)
    classes = np.eye(10)[labels]  # (200, 10)
    means = classes.T @ grey / 20  # (10, 64)
    own = (means[labels] * 20 - grey) / 19
    distances = np.square(grey[:, None] - means).sum(axis=-1)
    distances[np.arange(200), labels] = np.square(grey - own).sum(axis=-1)
    assert np.mean(distances.argmin(axis=1) == labels) > 0.9


def test_what_is_given_may_be_changed() -> None:
    for give in (lambda: digits(3, binary=False), lambda: digits(3), lambda: digit_labels(3)):
        give()[:] = 7
        assert not np.all(give() == 7)


@pytest.mark.parametrize("count", [0, 201, -1, 2.0, True, "ten", None])
def test_a_count_out_of_range(count: Any) -> None:
    for give in (digits, digit_labels):
        with pytest.raises(ValueError, match=r"count is .*, expected a whole number of digits from 1 to 200"):
            give(count)
