"""One seed from several numbers."""

import numpy as np


def seed_of(*words: int) -> int:
    """A seed for torch, 0..2^63 - 1, as a function of non-negative numbers such as (seed, epoch, index)."""
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)
