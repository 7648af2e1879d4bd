"""Draw docs/distributions.png: distributions of the threshold, and the gradient of a pixel by its probability.

python docs/distributions.py
"""

from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from segexp.loss.lovasz import Lovasz
from segexp.loss.lovasz_softmax import LovaszSoftmax

DISTRIBUTIONS = {
    "uniform": stats.uniform(),
    "Beta(2, 2)": stats.beta(2, 2),
    "Beta(0.5, 0.5)": stats.beta(0.5, 0.5),
    "Beta(1, 4)": stats.beta(1, 4),
    "Beta(30, 30)": stats.beta(30, 30),
}
NUM_PIXELS = 2**20
TRUE_SHARE = 0.2  # of the pixels


def main() -> None:
    figure = Figure(figsize=(13, 4.8), dpi=110, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    density, by_probability, by_error = figure.subplots(1, 3)
    threshold = np.linspace(0.002, 0.998, 500)
    for name, distribution in DISTRIBUTIONS.items():
        density.plot(threshold, distribution.pdf(threshold), label=name)
    density.set(title="density of the threshold\n", xlabel="threshold t", ylabel="f(t)", ylim=(0, 4))
    figure.legend(
        loc="outside lower center", ncols=len(DISTRIBUTIONS), frameon=False, title="distribution of the threshold"
    )
    draw_gradients(by_probability, Lovasz, "lovasz")
    draw_gradients(by_error, LovaszSoftmax, "lovasz_softmax")
    figure.savefig(Path(__file__).with_name("distributions.png"))


def draw_gradients(axis: Axes, loss: type[Lovasz] | type[LovaszSoftmax], title: str) -> None:
    """Draw the gradient of the loss by a class's logit, times the number of pixels, at its true and other pixels."""
    logit, true = draw_pixels()
    for number, distribution in enumerate(DISTRIBUTIONS.values()):
        logits = torch.stack([torch.zeros_like(logit), logit])[None, :, None].requires_grad_()
        loss(num_classes=2, distribution=distribution, classes=[1])(logits, true.to(torch.uint8)[None, None]).backward()
        gradient = NUM_PIXELS * logits.grad[0, 1, 0]
        for kind, style in ((true, "-"), (~true, "--")):
            axis.plot(*mean_by_probability(logit[kind], gradient[kind]), style, color=f"C{number}")
    axis.set(
        title=f"{title}\nsolid: pixels of the class, dashed: others",
        xlabel="probability p of the class",
        ylabel="gradient by the logit × pixels",
        ylim=(-2.2, 1.1),
    )
    axis.axhline(0, color="0.7", linewidth=0.8, zorder=0)


def draw_pixels() -> tuple[torch.Tensor, torch.Tensor]:
    """Draw which pixels are true, and logits as of a half-trained network: normal around 1.5 if true, else -1.5."""
    generator = torch.Generator().manual_seed(0)
    true = torch.rand(NUM_PIXELS, generator=generator) < TRUE_SHARE
    return 1.5 * torch.randn(NUM_PIXELS, generator=generator) + torch.where(true, 1.5, -1.5), true


def mean_by_probability(logit: torch.Tensor, gradient: torch.Tensor, bins: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Average the gradient in equal steps of the probability; returns their centres and the averages."""
    mean, edges, _ = stats.binned_statistic(torch.sigmoid(logit), gradient, "mean", bins, (0, 1))
    return (edges[1:] + edges[:-1]) / 2, mean


if __name__ == "__main__":
    main()
