"""A run folder -> what a comparison needs of it, or the reason why it cannot be compared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segexp.compare.verdict.run_scores import Scorer
from segexp.compare.verdict.run_settings import data_fingerprint, flat_settings, relevant_settings
from segexp.compare.verdict.skipped_runs import NOT_EVALUATED
from segexp.compare.verdict.statistics import Integers
from segexp.metric.counts_file import is_of_evaluation, read_arrays
from segexp.metric.metric import Scores
from segexp.metric.scores import Confusion, image_miou
from segexp.run.earlier import WITHOUT_EFFECT, WITHOUT_EFFECT_UNLISTED
from segexp.run.folder import RunFolder
from segexp.types import Counts, Floats


@dataclass(frozen=True)
class Run:
    """What a comparison needs of one run.

    finished: when its training ended, ISO 8601; empty if it does not tell. trained_share: optimizer steps trained, of
    those that were planned; None if it does not tell.
    settings: its configuration by dotted key, `optimizer.lr` -> 0.01, and DATA_FINGERPRINT.
    without_effect: those of them that change no weight. choices: group -> option.
    facts: metrics.json, without scores that are NaN. scorer: computes scores from the counts of its images.
    scores: by name, of the whole split and of single classes. image_miou: of each image, see `scores.image_miou`, [N].
    num_images_with: each class in the target, [C]. confusion: summed over the images, int64 [C, C], rows true, columns
    predicted. counts_path: where the counts of each image are.
    """

    path: Path
    seed: int
    finished: str
    trained_share: float | None
    settings: dict[str, Any]
    without_effect: tuple[str, ...]
    choices: dict[str, str]
    facts: dict[str, Any]
    image_names: tuple[str, ...]
    class_names: tuple[str, ...]
    scorer: Scorer
    scores: dict[str, float]
    image_miou: Floats
    num_images_with: Integers
    confusion: Confusion
    counts_path: Path

    def counts(self) -> dict[str, Counts]:
        """The counts of its images that scores follow from, by name [N, ...]; read anew, as they are large."""
        return read_arrays(self.counts_path, *self.scorer.needs())

    def resampled(self, weights: Floats | None) -> Scores:
        """Every score on the split itself, then on each resample, [1 + B], from the counts on disk.

        weights: see `segexp.metric.metric.Metric`; None for the split alone.
        """
        counts = self.counts()
        whole = self.scorer.scores(counts, None)
        drawn = self.scorer.scores(counts, weights) if weights is not None else {}
        return {name: np.concatenate([value, drawn.get(name, value[:0])]) for name, value in whole.items()}

    def by_image(self, score: str) -> Floats:
        """A score of each image by itself, [N]; NaN where it has none."""
        if score == "miou":
            return self.image_miou
        return self.scorer.by_image(score, self.counts(), len(self.image_names))

    def relevant_settings(self) -> dict[str, Any]:
        """Those of its settings that may change a result."""
        return relevant_settings(self.settings, self.without_effect)


def read_run(folder: Path, split: str) -> Run | str:
    """The evaluated run, or the reason why it cannot be compared: `kind: detail`."""
    try:
        status = RunFolder(folder).status()
        if status.get("state", "none") not in ("none", "finished"):  # a run that failed early has only its status
            return _unfinished(status)
        run = RunFolder.open(folder)
        return _missing_evaluation(run, split, status) or _read_evaluated(run, split, status)
    except (OSError, ValueError, RecursionError) as error:
        return f"cannot be read: {' '.join(str(error).replace(f'{folder}/', '').split())[:300]}"


def _unfinished(status: dict[str, Any]) -> str:
    state = "still training" if status["state"] == "running" else f"{status['state']} during training"
    return state + (f": {str(status['reason'])[:300]}" if status.get("reason") else "")


def _missing_evaluation(run: RunFolder, split: str, status: dict[str, Any]) -> str | None:
    if status.get("state", "none") == "none":
        return "without a training: status.json is missing or not of a training"
    if not (run.evaluation(split) / "confusion.npz").is_file():
        return f"{NOT_EVALUATED} {split}: {_evaluate_command(run, split, {})}"
    return None


def _evaluate_command(run: RunFolder, name: str, facts: dict[str, Any]) -> str:
    """The command that makes an evaluation of this name, as far as it is known.

    facts: metrics.json of an earlier evaluation of this name, empty if there is none.
    """
    command, origin = f"python -m segexp.evaluate run={run.path}", facts.get("regrouped_from")
    if origin is not None:
        return f"evaluate {origin} of it again, then {command} name={origin} regroup={name.removeprefix(f'{origin}_')}"
    split = facts.get("split", name if name in _splits(run) else None)
    if split == name:
        return f"{command} split={split}"
    return f"{command} {f'split={split} ' if split else ''}name={name}, with the settings of such evaluations"


def _share(recorded: object) -> float | None:
    return float(recorded) if isinstance(recorded, int | float) else None


def _splits(run: RunFolder) -> list[object]:
    settings = flat_settings(run.config)
    return ["train", "val", "test", settings.get("data.train_split"), settings.get("data.val_split")]


def _read_evaluated(run: RunFolder, split: str, status: dict[str, Any]) -> Run | str:
    config, facts, finished = run.config, run.scores(split), str(status.get("time", ""))
    if facts.get("trained_until") not in (None, finished):
        return f"evaluated before its training was resumed: {_evaluate_command(run, split, facts)}"
    if not isinstance(config.get("seed"), int):
        raise ValueError(f"{run.path / 'config.yaml'} has no seed; it is not of segexp.train")
    environment = run.environment
    choices = environment.get("choices")
    if not isinstance(choices, dict):
        raise ValueError(f"{run.path / 'environment.json'} has no choices; it is not of segexp.train")
    names, classes, scorer, counts = _counts(run.evaluation(split) / "confusion.npz", facts)
    confusions = counts["confusions"]
    if not confusions.any():
        raise ValueError(f"{run.evaluation(split)} has no scored pixels; choose a split with ground truth")
    settings = flat_settings(config)
    metrics = {name: score for name, score in facts.get("metrics", {}).items() if score is not None}
    return Run(
        path=run.path,
        seed=config["seed"],
        finished=finished,
        trained_share=_share(status.get("trained_share")),
        settings=settings | data_fingerprint(settings, environment.get("data", {})),
        without_effect=(*environment.get("without_effect", WITHOUT_EFFECT), *WITHOUT_EFFECT_UNLISTED),
        choices=choices,
        facts={**facts, "metrics": metrics},
        image_names=names,
        class_names=classes,
        scorer=scorer,
        scores=scorer.split_scores(counts),
        image_miou=image_miou(confusions.astype(np.int64, copy=False)),
        num_images_with=(confusions.sum(2) > 0).sum(0),
        confusion=confusions.sum(0),
        counts_path=run.evaluation(split) / "confusion.npz",
    )


def _counts(path: Path, facts: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], Scorer, dict[str, Counts]]:
    """Names of the images and of the classes, what computes scores, and the counts of each image by name, [N, ...]."""
    stored = read_arrays(path, "names", "classes", "settings", "confusions")
    missing = {"names", "classes", "confusions"} - stored.keys()
    if missing:
        raise ValueError(f"{path} has no {' and no '.join(sorted(missing))}; evaluate again")
    if "settings" in stored and not is_of_evaluation(str(stored["settings"]), facts):
        raise ValueError(f"{path} and metrics.json beside it are of two evaluations; evaluate again")
    names, classes = (tuple(map(str, stored[key].ravel())) for key in ("names", "classes"))
    confusions, shape = stored["confusions"], (len(names), len(classes), len(classes))
    if confusions.shape != shape or 0 in shape or confusions.dtype.kind not in "iu":
        raise ValueError(f"{path} holds {confusions.dtype} {confusions.shape}, not int {shape}; evaluate again")
    scorer = Scorer.of(facts, classes)
    further = read_arrays(path, *(name for name in scorer.needs() if name != "confusions"))
    counts = {name: each for name, each in further.items() if each.shape[:1] == (len(names),)}
    return names, classes, scorer, {"confusions": confusions, **counts}
