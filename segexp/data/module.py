"""Samples -> batches of each split, on each rank."""

from collections.abc import Sequence

from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from segexp.classes import Grouping
from segexp.data import settings
from segexp.data.cache.cache import Cache
from segexp.data.lazy import Scenes
from segexp.data.loading import default_num_workers, loader
from segexp.data.pairs import Source
from segexp.data.sampler import EvaluationSampler, TrainingSampler
from segexp.data.samples import Augment, EvaluationSamples, ImageSize, TrainingSamples


class DataModule(LightningDataModule):
    """Batches of one source under one grouping.

    source, grouping, augment, seed: what is read, scored, done to training samples, and drawn from.
    train_split, val_split: names of the source's splits.
    image_size: [height, width] that images are resized to for the network, null for native; scores are native always.
    batch_size: training samples a step on each rank; eval_batch_size: images at once in validation, which must then be
        of one size.
    num_workers: reading processes of each rank; null for the cores of this process less one, at most 8.
    cache, cache_size, cache_root: where decoded scenes are kept between epochs, see `Cache`; samples are the same.
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
        image_size: Sequence[int] | None,
        batch_size: int,
        eval_batch_size: int,
        num_workers: int | None,
        cache: str | bool = "off",
        cache_size: Sequence[int] | None = None,
        cache_root: str = "~/.cache/segexp/arrays",
    ) -> None:
        super().__init__()
        given = {"image_size": image_size, "batch_size": batch_size, "eval_batch_size": eval_batch_size}
        settings.check({**given, "num_workers": num_workers, "cache": cache, "cache_size": cache_size})
        self.source = source
        self.grouping = grouping
        self.augment = augment
        self.seed = seed
        self.train_split = train_split
        self.val_split = val_split
        self.image_size = settings.checked_size("data.image_size", image_size)
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.num_workers = default_num_workers() if num_workers is None else num_workers
        self.lookup = grouping.lookup(source.table)
        self.cache = Cache(cache, settings.checked_size("data.cache_size", cache_size), self.image_size, cache_root)

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

    def _scenes(self, split: str, target_size: ImageSize | None) -> Scenes:
        return self.cache.scenes(self.source.pairs(split), self.lookup, target_size)

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
