"""The embedded data set: street scenes that are rendered once and then read like Cityscapes."""

import shlex
import shutil
from pathlib import Path

from filelock import FileLock

from segexp.data.cityscapes import CITYSCAPES, Cityscapes
from segexp.data.pairs import Pair
from segexp.data.reading import read_mask
from segexp.streetscenes.version import VERSION
from segexp.system import remote
from segexp.types import SMALLEST_SIDE, Bytes


class Streets:
    """Procedural street scenes with all labels that Cityscapes scores, in the layout of Cityscapes.

    root: the folder to write to; every choice of the other arguments gets its own folder below it.
    num_train, num_val: number of scenes in the splits train and val.
    height, width: size of every scene in pixels, at least 32.
    seed: another seed gives other scenes.
    max_pixels: most pixels, in all scenes together, of a set that is rendered if it does not exist; None: no limit.
    The process that reads the set first renders it while others wait; a set that was interrupted is rendered again.
    """

    table = CITYSCAPES

    def __init__(
        self,
        root: str,
        num_train: int = 200,
        num_val: int = 40,
        height: int = 256,
        width: int = 512,
        seed: int = 0,
        max_pixels: int | None = None,
    ) -> None:
        if min(num_train, num_val) < 1 or min(height, width) < SMALLEST_SIDE or seed < 0:
            raise ValueError(
                f"streets: num_train={num_train}, num_val={num_val}, height={height}, width={width}, seed={seed}; "
                f"allowed: counts from 1, sizes from {SMALLEST_SIDE}, seeds from 0"
            )
        if remote.is_url(root):
            raise ValueError(
                f"streets: data.root is {root}; allowed: a local folder, as scenes are rendered to one; scenes on "
                "object storage are read by data=cityscapes data.root=URL of the folder that holds leftImg8bit/"
            )
        self.num_scenes = {"train": num_train, "val": num_val}
        self.height, self.width, self.seed = height, width, seed
        self.max_pixels = max_pixels
        self.folder = Path(root).expanduser() / f"{height}x{width}_{num_train}+{num_val}_seed{seed}_v{VERSION}"

    def pairs(self, split: str) -> list[Pair]:
        """List the scenes of a split; render the set first if it does not exist.

        Raises OSError if the set cannot be written, FileNotFoundError for an unknown split or a set above max_pixels.
        """
        if not self.folder.is_dir():
            self._refuse_above_max_pixels()
            try:
                self._render_once()
            except OSError as error:
                raise OSError(
                    f"cannot write street scenes to {self.folder}: {error.strerror or error}; make room "
                    "(about 3 bytes a pixel and scene) or set data.root to a folder that you may write to"
                ) from error
        return Cityscapes(str(self.folder)).pairs(split)

    def mask(self, pair: Pair) -> Bytes:
        return read_mask(pair.mask)

    def _refuse_above_max_pixels(self) -> None:
        num_pixels = sum(self.num_scenes.values()) * self.height * self.width
        if self.max_pixels is None or num_pixels <= self.max_pixels:
            return
        allowed = f"sets of at most {self.max_pixels} pixels" if self.max_pixels else "sets at the default data.root"
        counts = " ".join(f"data.num_{split}={count}" for split, count in self.num_scenes.items())
        sizes = f"data.height={self.height} data.width={self.width} data.seed={self.seed}"
        raise FileNotFoundError(
            f"no {self.folder.absolute()}: the street scenes of the run do not exist; for a run, only {allowed} are "
            "rendered; set data.root to the folder that holds them, or render them by "
            f"python -m segexp.check data.root={shlex.quote(str(self.folder.parent.absolute()))} {counts} {sizes}"
        )

    def _render_once(self) -> None:
        """Render the set under a partial name and rename it, so that it exists completely or not at all."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        partial = self.folder.with_name(f"{self.folder.name}.partial")
        with FileLock(self.folder.with_name(f"{self.folder.name}.lock")):
            if self.folder.is_dir():
                return
            from segexp.streetscenes.files import SceneFile  # the renderer, which a set that exists need not load
            from segexp.streetscenes.parallel import write_scenes

            shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed, since we hold the lock
            scenes = [
                SceneFile(partial, self.seed, split, index, self.height, self.width)
                for split, count in self.num_scenes.items()
                for index in range(count)
            ]
            try:
                write_scenes(scenes)
                partial.rename(self.folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
