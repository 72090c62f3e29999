"""What a dishonest committee may sign: valid batches, spoiled in one place or two, or not at all.

Whether a spoiled batch is still true is not known here: `law.py` decides.
"""

from random import Random
from typing import Final

from backend.protocol.batches import chunk_hashes, pack_blobs
from tests.property.disputes.candidates import Candidate, Signing
from tests.property.disputes.drafts import Draft, Scene
from tests.property.disputes.wrong_evidence import WRONG_EVIDENCE
from tests.property.disputes.wrong_headers import WRONG_BLOBS, WRONG_HEADERS, WRONG_ROOTS
from tests.property.disputes.wrong_slots import WRONG_SLOTS, WRONG_STATES

_LAYERS: Final = [WRONG_SLOTS, WRONG_STATES, WRONG_ROOTS, WRONG_HEADERS, WRONG_EVIDENCE]


def spoil(random: Random, scene: Scene, draft: Draft, is_in_blobs: bool = False) -> Candidate:
    """Return what a committee makes of a draft."""
    chosen = [
        random.choices(_LAYERS, [9, 2, 2, 3, 5])[0] for _ in range(random.choice([0, 1, 1, 1, 2]))
    ]
    wrongs = [random.choice(layer) for layer in chosen]
    signing = Signing(random, scene, draft)
    for layer in (WRONG_SLOTS, WRONG_STATES):
        for wrong in wrongs:
            if wrong in layer:
                wrong(signing)
    candidate = signing.candidate()
    for layer in (WRONG_ROOTS, WRONG_HEADERS, WRONG_EVIDENCE):
        for wrong in wrongs:
            if wrong in layer:
                wrong(random, scene, candidate)
    candidate.posted_hashes = chunk_hashes(candidate.chunks)
    candidate.spoiled = [wrong.__name__ for wrong in wrongs]
    if is_in_blobs:
        candidate.blobs = pack_blobs(candidate.chunks)
        wrong = random.choice(WRONG_BLOBS)
        wrong(random, scene, candidate)
        candidate.spoiled.append(wrong.__name__)
    return candidate
