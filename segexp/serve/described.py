"""What /api/classes tells of a run."""

from segexp.inference.model import TrainedNetwork
from segexp.run.folder import RunFolder
from segexp.serve.schema import Classes, ClassOfRun, Limits
from segexp.types import VOID


def described(name: str, run: RunFolder, found: TrainedNetwork, split: str | None, limits: Limits) -> Classes:
    """name: of the run."""
    scores = _scores(run, split, found.step)
    return Classes(
        run=name,
        model=str(run.environment.get("choices", {}).get("model") or run.config["model"]["_target_"]),
        grouping=found.grouping.name,
        split=split,
        classes=[
            ClassOfRun(id=number, name=entry.name, color=entry.color, iou=scores.get(f"iou/{entry.name}"))
            for number, entry in enumerate(found.grouping.classes)
        ],
        miou=scores.get("miou"),
        void=VOID,
        image_size=found.image_size,
        limits=limits,
    )


def _scores(run: RunFolder, split: str | None, step: int) -> dict[str, float | None]:
    """Of the run's evaluation; none if that was of other weights or classes than are served."""
    if split is None or not (run.evaluation(split) / "metrics.json").is_file():
        return {}
    try:
        found = run.own_scores(split, step)
    except ValueError as error:
        print(f"no scores shown: {error}")
        return {}
    if found is None:
        print(f"no scores shown: {run.evaluation(split)} is of other weights or classes; evaluate the run again")
        return {}
    return found["metrics"]
