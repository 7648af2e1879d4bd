"""A cache of decoded scenes on disk or in shared memory: made once, read by every process of a node."""

import logging
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock

from segexp.data.cache import arrays, shared_memory
from segexp.data.cache.arrays import Arrays
from segexp.data.cache.entries import CacheEntry, cache_entries
from segexp.data.cache.scenes import CachedScenes
from segexp.data.pairs import Pair, Source
from segexp.data.scenes import FileScenes, Scenes
from segexp.system.memory import free_bytes
from segexp.types import Bytes, Size

log = logging.getLogger(__name__)

CURES = {"disk": "set data.cache_root to a larger disk", "memory": "set data.cache=disk"}
SPARE_BYTES = 10**9
"""Bytes of the disk, or of memory, that a cache leaves to everything else, such as checkpoints."""


class Cache:
    """The place that scenes are read from; it changes how long a sample takes, never the sample.

    kind: off (files are decoded each time), memory or disk.
    size: [H, W] that images are resized to before they are cached, None for native size.
    root: folder of a cache on disk.
    """

    def __init__(self, kind: str | bool, size: Size | None, root: str) -> None:
        self.kind = kind if isinstance(kind, str) else "off"  # YAML reads a bare off as false
        self.size = size
        self.root = shared_memory.folder() if self.kind == "memory" else Path(root).expanduser()

    def scenes(
        self,
        source: Source,
        pairs: Sequence[Pair],
        lookup: Bytes,
        target_size: Size | None,
        bit_depth: int | None = None,
    ) -> Scenes:
        """The scenes of a split, cached if the cache is on and has room; if it has none, an error is logged.

        source: the data set that listed the pairs. lookup: train id of every mask value [256].
        target_size: [H, W] that cached targets are resized to, None for native size.
        bit_depth: of the images, see `segexp.data.image.upright`.
        Raises ValueError for a broken file if the cache has to be made.
        """
        if self.kind == "off":
            return FileScenes(source, pairs, lookup, bit_depth)
        try:
            entries = cache_entries(source, pairs, lookup, self.root, self.size, target_size, bit_depth)
            images, targets = self._load_or_make(entries)
        except OSError as error:
            log.error("data.cache=%s: %s; images are decoded each time instead", self.kind, error)
            return FileScenes(source, pairs, lookup, bit_depth)
        return CachedScenes(images, targets, [pair.name for pair in pairs])

    def _load_or_make(self, entries: Sequence[CacheEntry]) -> list[Arrays]:
        loaded = _load_all(entries) if self.kind == "disk" else []
        if loaded:
            return loaded  # without a lock, for which a read-only folder has no place
        self.root.mkdir(parents=True, exist_ok=True)
        arrays.remove_partial(self.root)
        if self.kind == "memory":
            shared_memory.free_unused(self.root)
        with ExitStack() as locks:
            for entry in entries:
                locks.enter_context(FileLock(entry.path.with_suffix(".lock")))
            self._make([entry for entry in entries if not arrays.load(entry.path, entry.fingerprint)])
            loaded = _load_all(entries)
            if not loaded:
                raise OSError(
                    f"the arrays in {self.root} changed while they were written; set data.cache_root elsewhere"
                )
            if self.kind == "memory":
                for each in loaded:
                    shared_memory.hold(each)
        return loaded

    def _make(self, missing: Sequence[CacheEntry]) -> None:
        for entry in missing:  # arrays that are not valid; this frees their room
            arrays.remove(entry.path)
        required, free = sum(arrays.num_bytes(entry.shapes()) for entry in missing), self._free_bytes()
        if required > free:
            raise OSError(
                f"the cache needs {required / 1e9:.3g} GB in {self.root}, where {max(0, free) / 1e9:.3g} GB are free, "
                f"not counting a reserve of {SPARE_BYTES / 1e9:.0f} GB for other programs; make room, or "
                f"{CURES[self.kind]}"
            )
        for entry in missing:
            arrays.write(entry.path, entry.fingerprint, entry.shapes(), entry.make, entry.title)

    def _free_bytes(self) -> int:
        free = shutil.disk_usage(self.root).free
        return min(free, free_bytes() - SPARE_BYTES) if self.kind == "memory" else free - SPARE_BYTES


def _load_all(entries: Sequence[CacheEntry]) -> list[Arrays]:
    """Load the arrays of all entries; none if one of them is not valid."""
    loaded = [arrays.load(entry.path, entry.fingerprint) for entry in entries]
    return [each for each in loaded if each] if all(loaded) else []
