"""Which facts of an evaluation, keys of its metrics.json, two evaluations share if their scores are comparable."""

CONDITIONS = (
    "checkpoint",
    "weights",
    "image_size",
    "bit_depth",
    "fingerprint",
    "inference",
    "precision",
    "window_unit",
)
"""The weights, the images, and how these were segmented."""
