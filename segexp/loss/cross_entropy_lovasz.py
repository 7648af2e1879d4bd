"""A weighted sum of losses: by default cross-entropy and Lovász-Softmax."""

from collections.abc import Mapping

from torch import nn

from segexp.types import Logits, Scalar, Target


class CrossEntropyLovasz(nn.Module):
    """Sum of weight times loss over the terms.

    terms: loss by name, any losses. weights: factor by name, for the same names.
    Raises ValueError if the names differ.
    """

    def __init__(self, terms: Mapping[str, nn.Module], weights: Mapping[str, float]) -> None:
        super().__init__()
        if not terms or set(terms) != set(weights):
            raise ValueError(
                f"cross_entropy_lovasz: terms are {sorted(terms)}, weights are for {sorted(weights)}; "
                "give each term one weight: set loss.terms and loss.weights"
            )
        self.terms, self.weights = nn.ModuleDict(terms), dict(weights)

    def forward(self, logits: Logits, target: Target) -> Scalar:
        first, *others = (self.weights[name] * term(logits, target) for name, term in self.terms.items())
        return sum(others, start=first)
