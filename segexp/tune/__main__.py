"""python -m segexp.tune: search for the values that train best; each trial is a run in its own process and folder."""

import sys
from pathlib import Path

from segexp.config.command_line import entry_point
from segexp.config.grammar import quote
from segexp.tune.settings import TuneSettings
from segexp.types import Values


@entry_point("tune")
def main(values: Values) -> None:
    settings = TuneSettings.of(values)
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ValueError("tuning needs Optuna; pip install 'segexp[tune]'") from None
    from segexp import build
    from segexp.sweep.job_process import SignalCounter
    from segexp.tune import study_report
    from segexp.tune.space import build_space, check_composes
    from segexp.tune.study import Study, best_trial
    from segexp.tune.tuner import Tuner

    space = build_space(settings.space)
    check_composes(settings.train, space)
    facts = {"train": settings.train, "space": settings.space, "metric": settings.metric}
    folder = Path(settings.folder).expanduser().absolute()
    study = Study(folder, facts, build.part(settings.sampler), build.part(settings.pruner))
    tuner = Tuner(study, space, settings.train, {**settings.report, "pruner": settings.pruner})
    with SignalCounter() as signals:
        for trial in tuner.run(settings.num_trials, signals):
            print(study_report.line(trial), flush=True)
            study_report.write(study, settings.train)
    study_report.write(study, settings.train)
    best = best_trial(study.trials())
    print(f"study       {folder}")
    if best is not None:
        print(f"best        trial {best.number}: {best.value:.4f}")
        print(f"again       {study_report.training_command(best, settings.train)}")
        print(f"next        {study_report.evaluation_command(study, best)}")
    if signals.number:
        sys.exit(128 + signals.number)
    if best is None:
        sys.exit("segexp.tune: no trial was trained to its end")


def with_train(arguments: list[str]) -> list[str]:
    """The arguments of segexp.tune, with those behind -- as its key `train`."""
    if "--" not in arguments:
        return arguments
    end = arguments.index("--")
    return [*arguments[:end], f"train=[{','.join(quote(each) for each in arguments[end + 1 :])}]"]


if __name__ == "__main__":
    sys.argv[1:] = with_train(sys.argv[1:])
    main()
