"""python -m segexp.benchmark: how long the parts take on this machine."""

from omegaconf import DictConfig

from segexp.entry import entry


@entry("benchmark")
def main(config: DictConfig) -> None:
    import json
    from importlib import import_module
    from pathlib import Path

    from rich.console import Console

    from segexp import build
    from segexp.environment import hardware
    from segexp.files import write_whole
    from segexp.tables import records_table

    values = build.plain(config)
    known = sorted(path.stem for path in (Path(__file__).parent / "suite").glob("[a-z]*.py"))
    if values["suite"] not in known:
        raise ValueError(f"suite is {values['suite']!r}; allowed: {known}")
    suite = import_module(f"segexp.suite.{values['suite']}")
    records = suite.measure(**values[values["suite"]], device=build.device(values["device"]), rounds=values["rounds"])
    machine = hardware()
    name = f"{machine['processor']}, {machine['num_threads']} threads, {machine['gpus'] or 'no GPU'}"
    Console().print(records_table(records, f"{suite.TITLE}; {name}"))
    path = Path(values["output"]).absolute() / f"{values['suite']}.json"
    write_whole(path, json.dumps({"hardware": hardware(), "records": records}, indent=2))
    print(path)


if __name__ == "__main__":
    main()
