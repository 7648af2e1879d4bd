"""The law of a threshold on [0, 1], tabulated over the logit."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

Array = npt.NDArray[np.float64]
REACH = 20.0  # largest |logit| looked at: 1 - p is 2e-9
MARGIN = 2**-3  # of a step, kept to both ends of a table: more than float32 rounds an index below 2**20


class Law(Protocol):
    """Distribution of a threshold on [0, 1]: a frozen one of scipy.stats, or anything with its cdf."""

    def cdf(self, threshold: Array) -> Array: ...


class Grid(NamedTuple):
    """A law on bins uniform in the logit; the first and the last bin hold everything beyond.

    low: logit of the upper edge of the first bin. width: of a bin. steep: whether the density exceeds 100.
    cdf: distribution function at the edges, 0 at the first and 1 at the last. density: dF/dp there, over one bin.
    """

    low: float
    width: float
    steep: bool
    cdf: Float[Tensor, " edge"]
    density: Float[Tensor, " edge"]

    @property
    def num_bins(self) -> int:
        return len(self.cdf) - 1

    def place(
        self, position: Float[Tensor, "..."], first: float | Tensor, steps: int, out: Tensor | None = None
    ) -> Float[Tensor, "..."]:
        """Where logits lie in a table that begins at `first` and has so many equal steps per bin."""
        margin = MARGIN * self.width / steps
        low, high = self.low - self.width + margin, self.low + self.width * (self.num_bins - 1) - margin
        place = torch.clamp(position, low, high, out=out)
        start = torch.as_tensor(first + steps * (1 - self.low / self.width), dtype=place.dtype, device=place.device)
        return torch.add(start, place, alpha=steps / self.width, out=place)

    def interpolate(self, table: Float[Tensor, " edge"], position: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Values at logits of a table over the edges."""
        place = self.place(position, 0.0, 1)
        index = place.long().clamp_(min=0)
        return torch.lerp(table[index], table[index + 1], place - index)


def check_law(law: Law) -> None:
    """Raise ValueError for a law with probability outside [0, 1]."""
    below, above = law.cdf(np.array([-1e-9, 1.0]))
    if below != 0 or above != 1:
        raise ValueError(
            f"loss: the law of the threshold has probability {below:.3g} below 0 and {1 - above:.3g} above 1; "
            "thresholds are probabilities: set loss.law to a scipy.stats law on [0, 1], e.g. by its loc and scale"
        )


def tabulate(law: Law, num_bins: int, device: torch.device, negligible: float) -> Grid:
    """Distribution function and density of a law at num_bins + 1 edges.

    The density is the difference of the distribution function over a bin, so it exists for every law: finite at the
    ends of Beta(0.5, 0.5), one bin wide for a point mass. negligible: probability that may be left to the first and
    to the last bin, for finer ones between.
    """
    logit = np.linspace(-REACH, REACH, 4001)
    probability = law.cdf(_sigmoid(logit))
    low = min(logit[probability <= negligible].max(initial=-REACH), -8.0)
    high = max(logit[probability >= 1 - negligible].min(initial=REACH), 8.0)
    width = (high - low) / (num_bins - 2)
    edges = low + width * np.arange(-1, num_bins)
    before, after = _sigmoid(edges - width / 2), _sigmoid(edges + width / 2)
    density = (law.cdf(after) - law.cdf(before)) / (after - before)
    cdf = np.concatenate([[0.0], law.cdf(_sigmoid(edges[1:-1])), [1.0]])
    tables = (torch.tensor(table, dtype=torch.float32, device=device) for table in (cdf, density))
    return Grid(float(low), float(width), bool(density.max() > 100), *tables)


def _sigmoid(logit: Array) -> Array:
    return 1 / (1 + np.exp(-logit))
