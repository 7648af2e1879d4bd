"""The suite baseline: this build beside another checkout of segexp, each by its own commands and defaults."""

import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

import segexp
from segexp.benchmark.baseline_cases import Case, PredictionCase, StartCase, TrainingCase
from segexp.benchmark.checkout import Checkout, CommandFailedError
from segexp.benchmark.results import Record, SuiteReport
from segexp.benchmark.settings import BaselineSettings
from segexp.config.compose import config_folder

KEY = ("part", "case", "measure", "commits", "overrides")
SHOWN = ("part", "case", "measure", "baseline", "this", "ratio", "lowest", "highest")
RATIO = "ratio: this build over the baseline, median of the rounds; lowest, highest: of the rounds"
MEASURES = (
    "images/s of train: in the second epoch; of predict: from the first written mask to the last",
    "MB: peak memory of the process with its libraries; for predict also the difference from a 32x32 image",
)


def measure(settings: BaselineSettings, device: torch.device, earlier: Sequence[Record]) -> Iterator[Record]:
    """Records of each case, one a measure: medians of both builds and of their ratio, and the values of each round.

    A case that fails has records without values, and a note that says why. device, earlier: ignored; each build chooses
    its device, and everything is measured again. Raises ValueError if one of the builds does not start at all.
    """
    with tempfile.TemporaryDirectory(prefix="segexp-") as name:
        folder, builds = Path(name), _builds(settings)
        for build in builds:
            build.check(folder)
        facts = {
            "commits": " ".join(f"{build.name} {build.commit()}" for build in builds),
            "overrides": " ".join(f"{build.name} {list(build.overrides)}" for build in builds if build.overrides),
        }
        for case, rounds in _cases(settings):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                for record in compare(case, builds, rounds, Path(place)):
                    print(f"{case.part} {case.name}: {_summary(record)}", flush=True)
                    yield {"part": case.part, "case": case.name, **record, **facts}


def report(records: Sequence[Record], settings: BaselineSettings, device: torch.device) -> SuiteReport:
    rows = [{name: record[name] for name in SHOWN} for record in records]
    failed = {f"{record['part']} {record['case']}: {record['note']}": None for record in records if record["note"]}
    lines = [
        RATIO,
        *MEASURES,
        *sorted({record["commits"] for record in records}),
        *(f"failed: {each}" for each in failed),
    ]
    return SuiteReport({"this build and the baseline": rows}, lines)


def _builds(settings: BaselineSettings) -> list[Checkout]:
    """The baseline and this build."""
    folders = {
        "baseline": Path(str(settings.worktree)).expanduser().absolute(),
        "this": Path(segexp.__file__).parents[1],
    }
    return [
        Checkout(name, folder, getattr(settings.overrides, name), settings.max_seconds)
        for name, folder in folders.items()
    ]


def _cases(settings: BaselineSettings) -> Iterator[tuple[Case, int]]:
    """The cases of the parts that were asked for, and the rounds of each."""
    root = str(Path(settings.streets_root).expanduser().absolute())
    if "start" in settings.parts:
        yield StartCase(settings.start.overrides), settings.start.rounds
    if "train" in settings.parts:
        for training in settings.train.cases:
            yield TrainingCase(training, root), settings.train.rounds
    if "predict" in settings.parts:
        predict = settings.predict
        options = predict.options
        if options is None:
            options = sorted(path.stem for path in (config_folder() / "model").glob("*.yaml"))
        for network in [*((f"model={option}",) for option in options), *predict.networks]:
            yield PredictionCase(network, predict.size, predict.num_images, predict.overrides, root), predict.rounds


def compare(case: Case, builds: Sequence[Checkout], rounds: int, folder: Path) -> Iterator[Record]:
    """A record for each measure of a case. The builds take turns, and who begins changes; preparing does not count.

    builds: the baseline and this build, named so.
    """
    values: list[dict[str, Mapping[str, float]]] = []
    build = builds[0]
    try:
        peaks = {}
        for build in builds:
            (folder / build.name).mkdir()
            peaks[build.name] = case.prepare(build, folder / build.name)
        for number in range(rounds):
            values.append({})
            for build in builds if number % 2 else reversed(builds):
                values[-1][build.name] = case.measure(build, folder / build.name, peaks[build.name])
    except CommandFailedError as error:
        nothing = dict.fromkeys((*SHOWN[3:], "baseline_rounds", "this_rounds"))
        yield from ({"measure": name, **nothing, "note": f"{build.name}: {error}"} for name in case.measures)
        return
    for name in case.measures:
        yield _record(name, *([each[build.name][name] for each in values] for build in builds))


def _record(measure: str, baseline: Sequence[float], this: Sequence[float]) -> Record:
    is_positive = min(baseline) > 0  # what is above a small amount of memory need not be
    ratios = [after / before for before, after in zip(baseline, this, strict=True)] if is_positive else []
    return {
        "measure": measure,
        "baseline": statistics.median(baseline),
        "this": statistics.median(this),
        "ratio": statistics.median(ratios) if ratios else None,
        "lowest": min(ratios, default=None),
        "highest": max(ratios, default=None),
        "baseline_rounds": baseline,
        "this_rounds": this,
        "note": None,
    }


def _summary(record: Record) -> str:
    if record["note"]:
        return f"failed: {record['note']}"
    return f"{record['baseline']:.4g} and {record['this']:.4g} {record['measure']}"
