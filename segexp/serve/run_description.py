"""The description of a run that /api/classes answers with."""

from segexp.inference.model import TrainedNetwork
from segexp.run.folder import RunFolder
from segexp.serve.responses import ClassEntry, RunDescription, UploadLimits
from segexp.types import VOID


def describe_run(
    name: str, run: RunFolder, trained: TrainedNetwork, split: str | None, limits: UploadLimits
) -> RunDescription:
    """Collect what clients may know about the run. name: the run's, as clients see it. split: None for uploads only."""
    scores = _scores(run, split, trained)
    return RunDescription(
        run=name,
        model=str(run.environment.get("choices", {}).get("model") or run.config["model"]["_target_"]),
        grouping=trained.grouping.name,
        split=split,
        classes=[
            ClassEntry(id=number, name=entry.name, color=entry.color, iou=scores.get(f"iou/{entry.name}"))
            for number, entry in enumerate(trained.grouping.classes)
        ],
        miou=scores.get("miou"),
        weights=trained.weights,
        void=VOID,
        image_size=trained.image_size,
        limits=limits,
    )


def _scores(run: RunFolder, split: str | None, trained: TrainedNetwork) -> dict[str, float | None]:
    """Scores of the run's evaluation by name; empty if that was of other weights or classes than are served."""
    if split is None or not (run.evaluation(split) / "metrics.json").is_file():
        return {}
    try:
        evaluation = run.own_scores(split, trained.step, trained.weights)
    except ValueError as error:
        print(f"no scores shown: {error}")
        return {}
    if evaluation is None:
        print(f"no scores shown: {run.evaluation(split)} is of other weights or classes; evaluate the run again")
        return {}
    return evaluation["metrics"]
