"""The order in which each rank reads the samples of a split."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class TrainingSampler(Sampler[tuple[int, int]]):
    """Keys (epoch, index) of the samples of one rank; the order in an epoch depends on (seed, epoch) alone.

    The tail of an epoch that does not fill a batch on all ranks is left out. The batches of all ranks together are the
    batch that a single rank with batches of `batch_size * num_ranks` samples would see.
    Raises ValueError if the split cannot fill one batch.
    """

    def __init__(self, num_samples: int, batch_size: int, seed: int, rank: int = 0, num_ranks: int = 1) -> None:
        self.num_samples = num_samples
        self.num_batches = num_samples // (batch_size * num_ranks)
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.num_ranks = num_ranks
        self.epoch = 0
        self.start = (0, 0)
        if self.num_batches == 0:
            cure = f"set data.batch_size to at most {num_samples // num_ranks}"
            if num_samples < num_ranks:
                cure = (
                    f"train on at most {num_samples} ranks (trainer.devices, trainer.num_nodes), or with more samples"
                )
            raise ValueError(
                f"{num_samples} training samples do not fill one batch of {batch_size} on {num_ranks} ranks; {cure}"
            )

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch to iterate over; the Trainer calls this before each epoch."""
        self.epoch = epoch

    def start_at(self, epoch: int, num_batches: int) -> None:
        """Skip the first batches of one epoch, which were seen before an interruption."""
        self.start = (epoch, num_batches)

    def __len__(self) -> int:
        """Number of samples of a whole epoch."""
        return self.num_batches * self.batch_size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.num_samples).tolist()
        epoch, num_batches = self.start
        num_skipped = num_batches * self.batch_size if epoch == self.epoch else 0
        for index in order[self.rank : len(self) * self.num_ranks : self.num_ranks][num_skipped:]:
            yield self.epoch, index


class EvaluationSampler(Sampler[int]):
    """Every num_ranks-th index, starting at the rank: no sample is repeated to even out the ranks."""

    def __init__(self, num_samples: int, rank: int = 0, num_ranks: int = 1) -> None:
        self.indices = range(rank, num_samples, num_ranks)

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)
