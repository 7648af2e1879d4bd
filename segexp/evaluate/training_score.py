"""Why an evaluation's mean IoU is not the one that its training logged for the same weights."""

from segexp.run.folder import RunFolder
from segexp.types import Values

SMALLEST = 5e-5
"""Difference of two scores that four decimals show."""


def difference_to_training(run: RunFolder, facts: Values, miou: float) -> str | None:
    """One line that names both scores and every known reason; None if they agree, or are not of one split.

    facts: of the evaluation, see `Evaluation`. miou: its mean IoU.
    """
    data = run.config["data"]
    is_of_training = facts["split"] == data.get("val_split") and "_target_" not in facts["data"]
    if not is_of_training or facts.get("regrouped_from") is not None:
        return None
    rows = [row for row in run.history() if row["step"] + 1 == facts["step"]]
    logged = [row["val/miou"] for row in rows if isinstance(row.get("val/miou"), float)]
    reasons = _reasons(run, facts)
    if not logged or not reasons or not abs(logged[-1] - miou) >= SMALLEST:  # nor of NaN
        return None
    return f"val mIoU of the training after the same step: {logged[-1]:.4f}; it differs by {', '.join(reasons)}"


def _reasons(run: RunFolder, facts: Values) -> list[str]:
    config, recorded = run.config, run.environment.get("data", {}).get(facts["split"])
    limit, size = config.get("trainer", {}).get("limit_val_batches"), config["data"].get("image_size")
    is_limited = limit is not None and not (isinstance(limit, float) and limit == 1)
    reasons = {
        f"its share of the images (trainer.limit_val_batches={limit})": is_limited,
        f"the size of its images (data.image_size={_size(size)}, here {_size(facts['image_size'])})": (
            _size(size) != _size(facts["image_size"])
        ),
        f"what is set here: {', '.join(facts.get('inference', {}))}": bool(facts.get("inference")),
        "its averaged weights (here weights=raw)": facts.get("weights") == "raw",
        "its files of the split": recorded not in (None, facts["fingerprint"]),
        f"its arithmetic (precision={config.get('precision')}, here {facts['precision']})": (
            config.get("precision") not in (None, "auto", facts["precision"])
        ),
    }
    return [reason for reason, applies in reasons.items() if applies]


def _size(image_size: list[int] | None) -> str:
    return "null" if image_size is None else f"[{','.join(map(str, image_size))}]"
