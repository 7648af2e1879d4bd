"""What two evaluations must have in common for their scores to be comparable."""

from typing import Any

from segexp.compare.verdict.evaluated_run import Run
from segexp.run.evaluation_conditions import CONDITIONS

LONGEST = 90
"""Letters of a condition before it is cut."""
Condition = str | tuple[str, ...]
PRECISION = "precision"
OF_IMAGES = ("classes", "images", "label_ids", "fingerprint")
"""Conditions that say which pixels are scored; the others say how images are segmented."""


def evaluation_conditions(run: Run, mix_precisions: bool = False) -> dict[str, Condition]:
    """The checkpoint, the images, the classes, and how images were segmented, as text.

    mix_precisions: leave out the precision of the network's arithmetic.
    """
    conditions = {
        **evaluation_settings(run),
        "fingerprint": run.facts.get("fingerprint"),
        "label_ids": run.facts.get("label_ids"),
        "classes": run.class_names,
        "images": run.image_names,
    }
    left_out = {PRECISION} if mix_precisions else set()
    return {key: _as_text(value) for key, value in conditions.items() if value is not None and key not in left_out}


def scored_images(run: Run) -> dict[str, Condition]:
    """Of the conditions those that two evaluations of one run share: the images and the classes."""
    conditions = evaluation_conditions(run)
    return {key: value for key, value in conditions.items() if key in OF_IMAGES}


def evaluation_settings(run: Run) -> dict[str, Any]:
    """The conditions that were chosen for the evaluation, by the keys under which they are typed."""
    chosen = {key: run.facts[key] for key in CONDITIONS if key in run.facts}
    inference = chosen.pop("inference", None) or {}
    return {key: value for key, value in chosen.items() if key != "fingerprint"} | inference


def differing_conditions(conditions: dict[str, Condition], usual: dict[str, Condition]) -> list[str]:
    """Words for each condition that is not the usual one."""
    keys = dict.fromkeys([*conditions, *usual])
    pairs = ((key, _recorded(key, conditions), _recorded(key, usual)) for key in keys)
    differing = [_difference(key, ours, theirs) for key, ours, theirs in pairs if ours != theirs]
    only_precision = len(differing) == 1 and conditions.get(PRECISION) != usual.get(PRECISION)
    return [f"{differing[0]} (mix_precisions=true compares them anyway)"] if only_precision else differing


def _difference(key: str, ours: Condition, usual: Condition) -> str:
    """Name both values in full if they are short; of long lists their lengths and the first item that only one has."""
    text, usual_text = (value if isinstance(value, str) else f"[{', '.join(value)}]" for value in (ours, usual))
    if isinstance(ours, str) or isinstance(usual, str) or len(text + usual_text) < 150:
        return f"{key} {_cut(text)} instead of {_cut(usual_text)}"
    our_names, usual_names = set(ours), set(usual)
    others = [each for each in ours if each not in usual_names]
    missing = [each for each in usual if each not in our_names]
    if not others and not missing:
        return f"{key} in another order"
    if len(ours) == len(usual):
        words = [f"{len(others)} of {len(ours)} {key}"]
    else:
        words = [f"{len(ours)} {key} instead of {len(usual)}"]
    words += [f"first other: {_cut(each)}" for each in others[:1]]
    words += [f"first missing: {_cut(each)}" for each in missing[:1]]
    return ", ".join(words)


def _recorded(key: str, conditions: dict[str, Condition]) -> Condition:
    return conditions.get(key, "none recorded" if key in OF_IMAGES else "default")


def _as_text(value: Any) -> Condition:
    if isinstance(value, list | tuple):
        return tuple(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
