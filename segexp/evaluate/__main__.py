"""python -m segexp.evaluate: scores of a run on whole images."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from segexp.config.command_line import entry_point
from segexp.config.compose import compose, config_folder, user_folders
from segexp.display.latex import print_in_format
from segexp.system.loading import loading
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.evaluate.result import Evaluation
    from segexp.evaluate.settings import EvaluateSettings
    from segexp.run.folder import RunFolder

KEYS_OF_REGROUPING = ("regroup", "run", "split", "name", "checkpoint", "overwrite", "metric", "format")


@entry_point("evaluate")
def main(values: Values) -> None:
    from segexp.evaluate.settings import EvaluateSettings

    settings = EvaluateSettings.of(values)
    if settings.runs is not None:
        from segexp.evaluate.many import evaluate_many

        sys.exit(not evaluate_many(settings.runs, partial(_evaluate_once, settings=settings)))
    print_in_format(settings.format, lambda: _evaluate_one(settings))


def _evaluate_one(settings: "EvaluateSettings") -> list[str]:
    """Evaluate and print the scores; returns the table of the classes as LaTeX if format=latex, otherwise nothing."""
    from segexp.run.folder import RunFolder

    run = RunFolder.open(str(settings.run))
    folder = run.evaluation(settings.evaluation_name)
    if settings.regroup is None:
        _refuse_missing_files(run, settings)  # loading torch takes seconds, which a typo need not cost
        evaluation = _evaluate(run, settings, folder)
    else:
        _refuse_ignored_keys(settings.regroup)
        folder = run.evaluation(f"{settings.evaluation_name}_{settings.regroup}")
        evaluation = _regroup(run, settings, settings.regroup, folder)
    if evaluation is None:
        return []
    is_latex = settings.format == "latex"
    _print_scores(evaluation, run, folder, with_classes=not is_latex)
    return [_class_latex(evaluation, run, folder)] if is_latex else []


def _refuse_missing_files(run: "RunFolder", settings: "EvaluateSettings") -> None:
    from segexp.inference.trusted_parts import source_of_run

    run.checkpoint(settings.checkpoint)
    source_of_run(run, settings.data)[0].pairs(settings.split)


def _evaluate_once(run: "RunFolder", settings: "EvaluateSettings") -> "Evaluation | None":
    """None if the run has this very evaluation already."""
    _refuse_missing_files(run, settings)
    return _evaluate(run, settings, run.evaluation(settings.evaluation_name), is_repeated=False)


def _evaluate(
    run: "RunFolder", settings: "EvaluateSettings", folder: Path, is_repeated: bool = True
) -> "Evaluation | None":
    """None if the folder holds this very evaluation, and is_repeated is False."""
    with loading():
        from segexp.evaluate import cityscapes
        from segexp.evaluate import files as of_evaluation
        from segexp.evaluate.split import evaluate, prepare_evaluation

    predictions = folder / "predictions" if settings.predictions or settings.benchmark else None
    with of_evaluation.lock_evaluation(folder):
        job = prepare_evaluation(run, settings, predictions)
        if not is_repeated and of_evaluation.is_evaluated(folder, job.facts):
            return None
        of_evaluation.refuse_other_settings(folder, job.facts, settings.overwrite)
        if settings.benchmark:
            cityscapes.check_submission(job)
        evaluation = evaluate(job, partial(of_evaluation.replace_scores, folder=folder))
        of_evaluation.save_pictures(evaluation, run, folder)
        if settings.benchmark:
            cityscapes.write_submission(evaluation, folder)
    return evaluation


def _regroup(run: "RunFolder", settings: "EvaluateSettings", option: str, folder: Path) -> "Evaluation":
    """option: of the group `classes`."""
    from segexp import build
    from segexp.evaluate.files import lock_evaluation, refuse_other_settings, remove_outdated, save_evaluation
    from segexp.evaluate.regroup import regroup
    from segexp.evaluate.result import metric_settings
    from segexp.inference.trusted_parts import labels_of_run, trusted_parts

    grouping = build.grouping(trusted_parts(run.config))
    coarser = build.grouping(compose("train", [f"classes={option}"]))
    table, _ = labels_of_run(run)
    original = run.evaluation(settings.evaluation_name)
    with lock_evaluation(original), lock_evaluation(folder):
        metrics = build.metrics(settings.metric)
        evaluation = regroup(run, settings.evaluation_name, grouping, coarser, table, metrics)
        evaluation.facts["metric"] = metric_settings(settings.metric)
        stored = evaluation.facts["checkpoint"]
        if stored != settings.checkpoint:
            raise ValueError(
                f"{original} was made with checkpoint {stored}, not {settings.checkpoint}; "
                f"add checkpoint={stored}, or evaluate the other one first"
            )
        refuse_other_settings(folder, evaluation.facts, settings.overwrite)
        remove_outdated(folder, evaluation.facts)
        save_evaluation(evaluation, run, folder)
    return evaluation


def _refuse_ignored_keys(option: str) -> None:
    """Raise ValueError for an unknown option of classes, and for typed keys that do not affect stored counts."""
    from hydra.core.hydra_config import HydraConfig

    folders = [config_folder(), *user_folders()]
    options = sorted({path.stem for folder in folders for path in (folder / "classes").glob("*.yaml")})
    if option not in options:  # also what would lead out of the run folder
        raise ValueError(f"regroup is {option!r}; options of classes: {', '.join(options)}")
    typed = dict.fromkeys(each.lstrip("+~").partition("=")[0] for each in HydraConfig.get().overrides.task)
    ignored = [key for key in typed if key not in KEYS_OF_REGROUPING]
    if ignored:
        raise ValueError(f"regroup= reads the stored counts of an existing evaluation; leave out {', '.join(ignored)}")


def _class_latex(evaluation: "Evaluation", run: "RunFolder", folder: Path) -> str:
    from segexp.evaluate.tables import class_latex

    names, title = evaluation.grouping.names, f"{run.path.name}, {folder.name}"
    return class_latex(evaluation.confusion, names, evaluation.every_score(), title)


def _print_scores(evaluation: "Evaluation", run: "RunFolder", folder: Path, with_classes: bool) -> None:
    from rich.console import Console

    from segexp.evaluate.tables import class_table, score_table, worst_images
    from segexp.evaluate.training_score import difference_to_training

    console, title = Console(), f"{run.path.name}, {folder.name}"
    scores = evaluation.every_score()
    if with_classes:
        console.print(class_table(evaluation.confusion, evaluation.grouping.names, scores, title))
    console.print(score_table(scores, title))
    if worst := worst_images(evaluation.names, evaluation.counts["confusions"]):
        print(worst)
    split = evaluation.facts["split"]
    if not evaluation.confusion.any():
        print(f"no scores: no pixel of {split} belongs to a class of {evaluation.grouping.name}")
    if run.environment.get("data", {}).get(split) not in (None, evaluation.facts["fingerprint"]):
        print(f"the files of {split} have other names or sizes than during the training")
    if difference := difference_to_training(run, evaluation.facts, scores["miou"]):
        print(difference)
    for path in (*sorted(folder.glob("[!.]*.*")), run.pictures / "learning_curves.png"):
        print(path)


if __name__ == "__main__":
    main()
