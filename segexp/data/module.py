"""Batches of the training and the validation split, on each rank."""

from collections.abc import Sequence

from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from segexp.classes import Grouping
from segexp.data.bit_depth import unused_bits
from segexp.data.cache.cache import Cache
from segexp.data.loading import default_num_workers, loader
from segexp.data.overlap import refuse_shared_images
from segexp.data.pairs import Pair, Source
from segexp.data.sampler import EvaluationSampler, TrainingSampler
from segexp.data.samples import Augment, EvaluationSamples, TrainingSamples
from segexp.data.scenes import Scenes
from segexp.data.small_images import refuse_small_images
from segexp.data.void_split import refuse_void_split
from segexp.types import Size


class DataModule(LightningDataModule):
    """Batches of a source whose labels are grouped into classes.

    augment: what is done to training samples. seed: of the order of training samples.
    The keyword arguments are described at `segexp.data.settings.ReadingSettings`.
    """

    def __init__(
        self,
        source: Source,
        grouping: Grouping,
        augment: Augment,
        seed: int,
        *,
        train_split: str,
        val_split: str,
        splits_may_overlap: bool,
        image_size: Sequence[int] | None,
        bit_depth: int | None,
        batch_size: int,
        eval_batch_size: int,
        num_workers: int | None,
        cache: str | bool,
        cache_size: Sequence[int] | None,
        cache_root: str,
    ) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True  # of validation: fewer images than ranks
        self.source = source
        self.grouping = grouping
        self.augment = augment
        self.seed = seed
        self.train_split = train_split
        self.val_split = val_split
        self.splits_may_overlap = splits_may_overlap
        self.image_size = _as_size(image_size)
        self.bit_depth = bit_depth
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.num_workers = default_num_workers() if num_workers is None else num_workers
        self.lookup = grouping.lookup(source.table)
        self.cache = Cache(cache, _as_size(cache_size), cache_root)
        self._pairs: dict[str, list[Pair]] = {}

    def pairs(self, split: str) -> list[Pair]:
        """The scenes of a split, which are listed once."""
        if split not in self._pairs:
            self._pairs[split] = self.source.pairs(split)
        return self._pairs[split]

    def check_splits(self) -> None:
        """Look at the files before a training begins.

        Raises ValueError for splits that share images, for images that store more bits than they use, for a split that
        is void throughout, and for images of the validation that are too small; those of the training may be enlarged
        by its augmentation.
        """
        splits = (self.train_split, self.val_split)
        pairs_of_train, pairs_of_val = (self.pairs(split) for split in splits)
        if not self.splits_may_overlap:
            refuse_shared_images(splits, pairs_of_train, pairs_of_val)
        if problem := unused_bits([pair.image for pair in pairs_of_train], self.bit_depth):
            raise ValueError(problem)
        if self.image_size is None:
            refuse_small_images(pairs_of_val)
        for split, pairs in zip(splits, (pairs_of_train, pairs_of_val), strict=True):
            refuse_void_split(self.source, split, pairs, self.grouping)

    def train_dataloader(self) -> DataLoader:
        rank, num_ranks = self._rank()
        scenes = self._scenes(self.train_split, self.cache.size)
        samples = TrainingSamples(scenes, self.image_size, self.augment)
        sampler = TrainingSampler(len(samples), self.batch_size, self.seed, rank, num_ranks)
        return loader(samples, sampler, self.batch_size, self.num_workers)

    def val_dataloader(self) -> DataLoader:
        samples = EvaluationSamples(self._scenes(self.val_split, None), self.image_size)
        sampler = EvaluationSampler(len(samples), *self._rank())
        return loader(samples, sampler, self.eval_batch_size, self.num_workers)

    def _scenes(self, split: str, target_size: Size | None) -> Scenes:
        return self.cache.scenes(self.source, self.pairs(split), self.lookup, target_size, self.bit_depth)

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


def _as_size(pair: Sequence[int] | None) -> Size | None:
    return None if pair is None else (pair[0], pair[1])
