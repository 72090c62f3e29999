"""The questions at the start have known answers, of each kind.

- libsecp256k1 gives the same, but where the lanes have to be unsure
- a single other verdict is noticed
"""

import numpy as np
import pytest

from backend.engine.vector import libsecp
from backend.engine.vector.kernel import NO, UNSURE, YES
from backend.engine.vector.known_answers import known_answers


def test_known_answers__each_verdict__is_among_them_holds():
    known = known_answers()

    counts = dict(zip(*np.unique(known.verdicts, return_counts=True), strict=True))
    assert counts == {NO: 256, YES: 256, UNSURE: 2}
    assert len(np.unique(known.signatures, axis=0)) > 450


def test_known_answers__libsecp__says_the_same_holds():
    known = known_answers()

    answers = libsecp.verify_many(known.digests, known.signatures, known.keys)

    sure = known.verdicts != UNSURE
    assert (answers[sure] == (known.verdicts[sure] == YES)).all()
    assert answers[~sure].tolist() == [False, True]
    assert known.are_given(known.verdicts)


@pytest.mark.parametrize("index", [0, 1, 300, 512, 513])
@pytest.mark.parametrize("shift", [1, 2])
def test_known_answers__another_verdict__rejects(index, shift):
    known = known_answers()
    verdicts = known.verdicts.copy()
    verdicts[index] = (verdicts[index] + shift) % 3

    assert not known.are_given(verdicts)
