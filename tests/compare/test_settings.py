"""What may be typed for a comparison; everything else is refused with the key, the value, and what to do."""

import pytest

from segexp.compare.settings import CompareSettings
from segexp.config.compose import compose


def settings(*overrides: str) -> CompareSettings:
    return CompareSettings.of(compose("compare", list(overrides)))


@pytest.mark.parametrize(
    ("overrides", "facts"),
    [
        (["runs=true"], ("runs is true", "a folder of runs", "glob pattern in quotes")),
        (["runs="], ("runs is ''", "a folder of runs")),
        (["a=[1]", "b=x"], ("a is [1]", "a run folder")),
        (["runs=x", "split=null"], ("split is null", "the name of an evaluation, such as val")),
        (["runs=x", "baseline={a:1}"], ("baseline is", "an option that one variant alone has")),
        (["runs=x", "output={a:1}"], ("output is", "null, or a folder for the report")),
        (["runs=x", "by=seed"], ("by is 'seed'", "null, or epoch", "shows the ranking as it develops")),
        (["runs=x", "dry_run=1"], ("dry_run is 1", "true, false")),
        (["runs=x", "sync=maybe"], ("sync is 'maybe'", "true, false")),
        (["runs=x", "wandb=segexp"], ("wandb is 'segexp'", "ENTITY/PROJECT, the user or team and the project")),
        (["runs=x", "wandb=a/b/c"], ("wandb is 'a/b/c'", "ENTITY/PROJECT")),
        ([], ("nothing to compare", "add runs=FOLDER", "a=RUN b=RUN")),
        (["a=x"], ("a= is one run", "add b=RUN")),
        (["b=x"], ("b= is one run", "add a=RUN")),
        (["runs=x", "b=y"], ("runs= compares many runs", "a= b= compare two", "leave out one")),
        (["a=x", "b=y", "by=epoch"], ("by=epoch ranks many runs", "add runs=FOLDER")),
        (["a=x", "b=y", "baseline=c"], ("baseline= is for many runs", "b is compared with a", "leave it out")),
        (["a=x", "b=y", "sync=true"], ("wandb=, dry_run= and sync= are for many runs", "add runs=FOLDER")),
        (["runs=x", "dry_run=true"], ("dry_run=true", "add wandb=ENTITY/PROJECT")),
        (["runs=x", "wandb=a/b", "dry_run=true", "sync=true"], ("dry_run=true", "sync=true", "leave one of them out")),
        (["runs=x", "+run=y"], ("no key 'run'", "runs, a, b, split")),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_key_the_value_and_the_next_step(
    overrides: list[str], facts: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="^(?s:.*)$") as refusal:
        settings(*overrides)
    assert [fact for fact in facts if fact not in str(refusal.value)] == [], refusal.value


@pytest.mark.parametrize(("typed", "text"), [("2024", "2024"), ("0.1", "0.1"), ("'07'", "07")])
def test_a_number_may_be_the_name_of_a_folder_an_evaluation_or_an_option(typed: str, text: str) -> None:
    keys = ("runs", "split", "baseline", "output")
    values = settings(*(f"{key}={typed}" for key in keys)).model_dump()
    assert {values[key] for key in keys} == {text}


def test_a_folder_is_written_to_unless_the_terminal_alone_is_asked_for() -> None:
    assert settings("runs=x", "output=null").folder is None
    assert str(settings("runs=x", "output=reports/new").folder) == "reports/new"
