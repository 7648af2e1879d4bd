"""Decoded scenes of a split, kept as arrays on disk or in shared memory: made once, read by every process of a node."""

import logging
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock

from segexp.data.cache import arrays, shared_memory
from segexp.data.cache.arrays import Arrays
from segexp.data.cache.scenes import Cached, Wanted, wanted_of
from segexp.data.lazy import Files, Scenes
from segexp.data.pairs import Pair
from segexp.data.samples import Size
from segexp.system.memory import free_bytes
from segexp.types import Bytes

log = logging.getLogger(__name__)

ELSEWHERE = {"disk": "set data.cache_root to a larger disk", "memory": "set data.cache=disk"}
SPARE = 10**9
"""Bytes of a disk, or of memory, that a cache leaves to everything else, such as checkpoints."""


class Cache:
    """Where scenes are read from: their files (off), shared memory, or a disk. It changes no sample, only its time.

    kind: off, memory or disk. size: [H, W] that images are resized to before they are kept, None for native.
    root: folder on a disk.
    """

    def __init__(self, kind: str | bool, size: Size | None, root: str) -> None:
        self.kind = kind if isinstance(kind, str) else "off"  # YAML reads a bare off as false
        self.size = size
        self.root = shared_memory.folder() if self.kind == "memory" else Path(root).expanduser()

    def scenes(self, pairs: Sequence[Pair], lookup: Bytes, target_size: Size | None) -> Scenes:
        """The scenes of a split. target_size: [H, W] that cached targets are resized to, None for native.

        Raises ValueError for a broken file when the cache is made. Without room for it, it says so, and reads files.
        """
        if self.kind == "off":
            return Files(pairs, lookup)
        try:
            images, targets = self._arrays(wanted_of(pairs, lookup, self.root, self.size, target_size))
        except OSError as error:
            log.error("data.cache=%s: %s; images are decoded each time instead", self.kind, error)
            return Files(pairs, lookup)
        return Cached(images, targets, [pair.name for pair in pairs])

    def _arrays(self, wanted: Sequence[Wanted]) -> list[Arrays]:
        found = _opened(wanted) if self.kind == "disk" else []
        if found:
            return found  # without a lock, which a folder that others may only read has no place for
        self.root.mkdir(parents=True, exist_ok=True)
        arrays.remove_partial(self.root)
        if self.kind == "memory":
            shared_memory.free_unused(self.root)
        with ExitStack() as locks:
            for each in wanted:
                locks.enter_context(FileLock(each.path.with_suffix(".lock")))
            self._make([each for each in wanted if not arrays.opened(each.path, each.fingerprint)])
            found = _opened(wanted)
            if not found:
                raise OSError(f"the arrays in {self.root} changed while they were made; set data.cache_root elsewhere")
            if self.kind == "memory":
                for held in found:
                    shared_memory.hold(held)
        return found

    def _make(self, missing: Sequence[Wanted]) -> None:
        for each in missing:  # torn ones, whose room is free then
            arrays.remove(each.path)
        needed, free = sum(arrays.num_bytes(each.shapes()) for each in missing), self._free()
        if needed > free:
            raise OSError(
                f"{needed / 1e9:.3g} GB are needed in {self.root}, and {max(0, free) / 1e9:.3g} GB are free there, "
                f"{SPARE / 1e9:.0f} GB not counted that is left to others; make room, or {ELSEWHERE[self.kind]}"
            )
        for each in missing:
            arrays.write(each.path, each.fingerprint, each.shapes(), each.make, each.title)

    def _free(self) -> int:
        free = shutil.disk_usage(self.root).free
        return min(free, free_bytes() - SPARE) if self.kind == "memory" else free - SPARE


def _opened(wanted: Sequence[Wanted]) -> list[Arrays]:
    """All of them, or none."""
    found = [arrays.opened(each.path, each.fingerprint) for each in wanted]
    return [each for each in found if each] if all(found) else []
