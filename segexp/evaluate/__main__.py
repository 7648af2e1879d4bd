"""python -m segexp.evaluate: scores of a run on whole images."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segexp.config.command_line import entry_point
from segexp.config.compose import compose, config_folder, user_folders
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.evaluate.result import Evaluation
    from segexp.inference.settings import Inference
    from segexp.run.folder import RunFolder

KINDS = {
    "run": str,
    "split": str,
    "checkpoint": str,
    "overwrite": bool,
    "num_processes": int,
    "num_scenes": int,
    "predictions": bool,
    "benchmark": bool,
}
OF_REGROUPING = ("regroup", "run", "split", "name", "checkpoint", "overwrite")


@entry_point("evaluate")
def main(values: Values) -> None:
    from segexp.inference.settings import Inference
    from segexp.run.folder import RunFolder

    name = values["split"] if values["name"] is None else values["name"]
    _check(values, name)
    inference = Inference.of({key: values[key] for key in Inference.model_fields})
    run = RunFolder.open(values["run"])
    if values["regroup"] is None:
        run.checkpoint(values["checkpoint"])  # loading torch takes seconds, which a typo need not cost
        folder = run.evaluation(name)
        evaluation = _evaluated(run, inference, values, folder)
    else:
        _refuse_ignored(values["regroup"])
        folder = run.evaluation(f"{name}_{values['regroup']}")
        evaluation = _regrouped(run, values, name, folder)
    _tell(evaluation, run, folder)


def _evaluated(run: "RunFolder", inference: "Inference", values: dict[str, Any], folder: Path) -> "Evaluation":
    from segexp.evaluate import cityscapes
    from segexp.evaluate.files import locked, refuse_another, replace_scores, save_pictures
    from segexp.evaluate.split import Wish, evaluate, prepare

    predictions = folder / "predictions" if values["predictions"] or values["benchmark"] else None
    wish = Wish(
        inference=inference,
        data_values={key: value for key, value in values["data"].items() if value is not None},
        **{key: values[key] for key in Wish.PLAIN},
    )
    with locked(folder):
        prepared = prepare(run, wish, predictions)
        refuse_another(folder, prepared.facts, values["overwrite"])
        if values["benchmark"]:
            cityscapes.refuse_unfit(prepared)
        evaluation = evaluate(prepared, partial(replace_scores, folder=folder))
        save_pictures(evaluation, run, folder)
        if values["benchmark"]:
            cityscapes.write(evaluation, folder)
    return evaluation


def _regrouped(run: "RunFolder", values: dict[str, Any], name: str, folder: Path) -> "Evaluation":
    from segexp import build
    from segexp.evaluate.files import forget_another, locked, refuse_another, save
    from segexp.evaluate.regroup import regrouped
    from segexp.inference.trusted_parts import labels_of_run, trusted_parts

    ours = build.grouping(trusted_parts(run.config))
    wanted = build.grouping(compose("train", [f"classes={values['regroup']}"]))
    table, _ = labels_of_run(run)
    with locked(run.evaluation(name)), locked(folder):
        evaluation = regrouped(run, name, ours, wanted, table)
        stored = evaluation.facts["checkpoint"]
        if stored != values["checkpoint"]:
            raise ValueError(
                f"{run.evaluation(name)} is of checkpoint {stored}, not {values['checkpoint']}; "
                f"add checkpoint={stored}, or evaluate the other one first"
            )
        refuse_another(folder, evaluation.facts, values["overwrite"])
        forget_another(folder, evaluation.facts)
        save(evaluation, run, folder)
    return evaluation


def _refuse_ignored(regroup: Any) -> None:
    """Raise ValueError for what was typed and is of no account to stored counts, and for classes nobody described."""
    from hydra.core.hydra_config import HydraConfig

    folders = [config_folder(), *user_folders()]
    options = sorted({path.stem for folder in folders for path in (folder / "classes").glob("*.yaml")})
    if regroup not in options:  # also what would lead out of the run folder
        raise ValueError(f"regroup is {regroup!r}; options of classes: {', '.join(options)}")
    typed = dict.fromkeys(each.lstrip("+~").partition("=")[0] for each in HydraConfig.get().overrides.task)
    ignored = [key for key in typed if key not in OF_REGROUPING]
    if ignored:
        raise ValueError(
            f"regroup reads the counts of an evaluation that is there already; leave out {', '.join(ignored)}"
        )


def _tell(evaluation: "Evaluation", run: "RunFolder", folder: Path) -> None:
    from rich.console import Console

    from segexp.evaluate.tables import class_table, score_table

    console, title = Console(), f"{run.path.name}, {folder.name}"
    console.print(class_table(evaluation.confusion, evaluation.grouping.names, title))
    console.print(score_table(evaluation.scores(), title))
    split = evaluation.facts["split"]
    if run.environment.get("data", {}).get(split) not in (None, evaluation.facts["fingerprint"]):
        print(f"the files of {split} are not those of the training: other names or sizes")
    for path in (*sorted(folder.glob("[!.]*.*")), run.pictures / "learning_curves.png"):
        print(path)


def _check(values: dict[str, Any], name: Any) -> None:
    for key, kind in KINDS.items():
        if type(values[key]) is not kind:
            raise ValueError(f"{key} is {values[key]!r}; needed is a {kind.__name__}")
    for key, least in (("num_processes", 1), ("num_scenes", 0)):
        if values[key] < least:
            raise ValueError(f"{key} is {values[key]}; needed is at least {least}")
    if type(values["boundary_width"]) not in (int, float) or not 0 < values["boundary_width"] < 1:
        raise ValueError(
            f"boundary_width is {values['boundary_width']!r}; needed is a fraction of the image's diagonal"
        )
    if not isinstance(name, str) or not re.fullmatch(r"[^./\\\0][^/\\\0]*", name):
        raise ValueError(
            f"name is {name!r}; needed is the name of one folder, text that is no path and has no dot first"
        )


if __name__ == "__main__":
    main()
