"""python -m segexp.evaluate: scores of a run on whole images."""

from omegaconf import DictConfig

from segexp.entry import entry


@entry("evaluate")
def main(config: DictConfig) -> None:
    from rich.console import Console

    from segexp import build
    from segexp.evaluation import evaluate, save
    from segexp.run import RunFolder
    from segexp.tables import class_table

    values = build.plain(config)
    _check(values)
    run = RunFolder.open(values["run"])
    folder = run.evaluation(values["split"]) / "predictions" if values["predictions"] else None
    replaced = {key: value for key, value in values["data"].items() if value is not None}
    device = build.device(values["device"])
    result = evaluate(run, values["split"], values["checkpoint"], replaced, values["num_scenes"], device, folder)
    written = save(result, run)
    Console().print(class_table(result.confusion, result.grouping.names, f"{run.path.name}, {values['split']}"))
    in_training = run.environment.get("data", {}).get(values["split"])
    if in_training not in (None, result.facts["fingerprint"]):
        print(f"the files of {values['split']} are not those of the training: other names or sizes")
    for path in (*sorted(written.glob("*.*")), run.pictures / "learning_curves.png"):
        print(path)


def _check(values: dict) -> None:
    kinds = {"run": str, "split": str, "checkpoint": str, "num_scenes": int, "predictions": bool}
    for key, kind in kinds.items():
        if type(values[key]) is not kind:
            raise ValueError(f"{key} is {values[key]!r}; needed is a {kind.__name__}")


if __name__ == "__main__":
    main()
