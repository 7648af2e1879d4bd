"""The distribution of a threshold on [0, 1], tabulated over the logit."""

from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from segexp.types import Floats

MAX_LOGIT = 20.0  # largest |logit| looked at: 1 - p is 2e-9
MARGIN = 2**-3  # of a step, kept to both ends of a table: more than float32 rounds an index below 2**20


class ThresholdDistribution(Protocol):
    """Distribution of a threshold on [0, 1]: a frozen one of scipy.stats, or anything with its cdf."""

    def cdf(self, threshold: Floats) -> Floats: ...


class LogitGrid(NamedTuple):
    """A distribution tabulated on bins of equal width in the logit; the first and last bin hold everything beyond.

    low: logit at the upper edge of the first bin. width: of a bin, in the logit. has_high_density: whether the density
    exceeds 100 anywhere. cdf: distribution function at the edges, 0 at the first and 1 at the last.
    density: derivative of the cdf by the probability at the edges, averaged over the width of a bin.
    """

    low: float
    width: float
    has_high_density: bool
    cdf: Float[Tensor, " edge"]
    density: Float[Tensor, " edge"]

    @property
    def num_bins(self) -> int:
        return len(self.cdf) - 1

    def fractional_index(
        self, logit: Float[Tensor, "..."], first: float, steps: int, out: Tensor | None = None
    ) -> Float[Tensor, "..."]:
        """Compute where each logit lies in a table with `steps` equal steps per bin that begins at index `first`."""
        margin = MARGIN * self.width / steps
        low, high = self.low - self.width + margin, self.low + self.width * (self.num_bins - 1) - margin
        index = torch.clamp(logit, low, high, out=out)
        start = torch.full((), first + steps * (1 - self.low / self.width), dtype=index.dtype, device=index.device)
        return torch.add(start, index, alpha=steps / self.width, out=index)

    def interpolate(self, table: Float[Tensor, " edge"], logit: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Interpolate a table over the edges linearly at the logits."""
        index = self.fractional_index(logit, 0.0, 1)
        lower = index.long().clamp_(min=0)
        return torch.lerp(table[lower], table[lower + 1], index - lower)


def check_distribution(distribution: ThresholdDistribution) -> None:
    """Raise ValueError for a distribution with probability outside [0, 1]."""
    at_zero, at_one = distribution.cdf(np.array([-1e-9, 1.0]))
    if at_zero != 0 or at_one != 1:
        raise ValueError(
            f"loss: the distribution of the threshold has probability {at_zero:.3g} below 0 and {1 - at_one:.3g} "
            "above 1; thresholds are probabilities; set loss.distribution to a scipy.stats distribution on [0, 1], "
            "for example by its loc and scale"
        )


def tabulate(distribution: ThresholdDistribution, num_bins: int, device: torch.device, negligible: float) -> LogitGrid:
    """Tabulate the distribution function and the density at num_bins + 1 edges.

    The density is the difference of the distribution function over a bin, so it exists for every distribution: finite
    at the ends of Beta(0.5, 0.5), one bin wide for a point mass.
    negligible: probability that may be left to the first and to the last bin, so that those between are finer.
    """
    logit = np.linspace(-MAX_LOGIT, MAX_LOGIT, 4001)
    probability = distribution.cdf(_sigmoid(logit))
    low = min(logit[probability <= negligible].max(initial=-MAX_LOGIT), -8.0)
    high = max(logit[probability >= 1 - negligible].min(initial=MAX_LOGIT), 8.0)
    width = (high - low) / (num_bins - 2)
    edges = low + width * np.arange(-1, num_bins)
    below, above = _sigmoid(edges - width / 2), _sigmoid(edges + width / 2)
    density = (distribution.cdf(above) - distribution.cdf(below)) / (above - below)
    cdf = np.concatenate([[0.0], distribution.cdf(_sigmoid(edges[1:-1])), [1.0]])
    tables = (torch.tensor(table, dtype=torch.float32, device=device) for table in (cdf, density))
    return LogitGrid(float(low), float(width), bool(density.max() > 100), *tables)


def _sigmoid(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-logit))
