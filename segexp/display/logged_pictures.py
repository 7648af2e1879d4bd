"""Pictures as arrays, which any logger can take that has a method `log_pictures`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from segexp.types import Bytes


class Panel(NamedTuple):
    """A scene and its masks, for loggers that lay masks over images.

    image: uint8 [H, W, 3]. target, prediction: train ids, uint8 [H, W]. class_names: the name of each train id.
    """

    caption: str
    image: Bytes
    target: Bytes
    prediction: Bytes
    class_names: Sequence[str]


Pictures = Mapping[str, "Bytes | Sequence[Panel]"]
"""Pictures by name: arrays, uint8 [H, W, 3], and lists of panels."""


@runtime_checkable
class LogsPictures(Protocol):
    """A logger that takes pictures; `segexp.callbacks.panels` gives them to every logger of a training that does."""

    def log_pictures(self, pictures: Pictures, step: int) -> None:
        """Log pictures; a logger that lays no masks over images leaves panels out.

        step: number of the last optimizer step, from 0, as in log_metrics.
        """
        ...


def arrays(pictures: Pictures) -> dict[str, Bytes]:
    """Those of the pictures that are arrays; the panels' scenes are on the sheet among them."""
    return {name: picture for name, picture in pictures.items() if not isinstance(picture, Sequence)}
