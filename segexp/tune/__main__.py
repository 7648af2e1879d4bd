"""python -m segexp.tune: search for the values that train best; each trial is a run in its own process and folder."""

import sys
from pathlib import Path

from segexp.config.command_line import entry
from segexp.config.grammar import quoted
from segexp.types import Values


@entry("tune")
def main(values: Values) -> None:
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise ValueError("tuning needs Optuna: pip install 'segexp[tune]'") from None
    from segexp import build
    from segexp.sweep.process import Signals
    from segexp.tune import report
    from segexp.tune.space import check, space
    from segexp.tune.study import Study, best
    from segexp.tune.tuner import Tuner

    if type(values["num_trials"]) is not int or values["num_trials"] < 1:
        raise ValueError(f"num_trials is {values['num_trials']!r}; needed is a whole number of at least 1")
    searched, train = space(values["space"]), values["train"]
    check(train, searched)
    facts = {key: values[key] for key in ("train", "space", "metric")}
    folder = Path(values["folder"]).expanduser().absolute()
    study = Study(folder, facts, build.part(values["sampler"]), build.part(values["pruner"]))
    tuner = Tuner(study, searched, train, {**values["report"], "pruner": values["pruner"]})
    with Signals() as signals:
        for trial in tuner.run(values["num_trials"], signals):
            print(report.line(trial), flush=True)
            report.write(study, train)
    report.write(study, train)
    winner = best(study.trials())
    print(f"study       {folder}")
    if winner is not None:
        print(f"best        trial {winner.number}: {winner.value:.4f}\nagain       {report.command(winner, train)}")
        print(f"next        {report.next_command(study, winner)}")
    if signals.number:
        sys.exit(128 + signals.number)
    if winner is None:
        sys.exit("segexp.tune: no trial was trained to its end")


def with_train(arguments: list[str]) -> list[str]:
    """Arguments of segexp.tune, with those behind -- as its key `train`."""
    if "--" not in arguments:
        return arguments
    end = arguments.index("--")
    return [*arguments[:end], f"train=[{','.join(quoted(each) for each in arguments[end + 1 :])}]"]


if __name__ == "__main__":
    sys.argv[1:] = with_train(sys.argv[1:])
    main()
