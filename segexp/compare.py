"""python -m segexp.compare: which variant is better, and is the difference real?"""

from omegaconf import DictConfig

from segexp.entry import entry


@entry("compare")
def main(config: DictConfig) -> None:
    from rich.console import Console

    from segexp import build
    from segexp.verdict.comparison import compare
    from segexp.verdict.runs import read_runs
    from segexp.verdict.text import class_table, left_out_lines, verdict_table
    from segexp.verdict.variants import variants

    values = build.plain(config)
    found = read_runs(str(values["runs"]), values["split"])
    rows = compare(variants(found.runs), values["baseline"])
    console = Console()
    console.print(verdict_table(rows, values["split"]))
    console.print(class_table(rows, found.runs[0].class_names))
    for line in left_out_lines(found.left_out):
        print(line)


if __name__ == "__main__":
    main()
