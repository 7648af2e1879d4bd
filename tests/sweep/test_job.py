"""Names and commands of jobs."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from segexp.config.grammar import quote
from segexp.sweep.job import Job, folder_name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["loss=lovasz", "seed=0"], "3_loss-lovasz_seed-0"),
        (["loss.a=-1.0"], "3_loss.a--1.0"),
        (["model.streams=[8,16]", "data.root='/a b'"], "3_model.streams-8-16_data.root-a-b"),
        (["data.root='/bücher'"], "3_data.root-b-cher"),
        ([], "3"),
    ],
)
def test_a_folder_is_named_after_what_sets_its_job_apart(overrides: list[str], name: str) -> None:
    assert folder_name(3, overrides) == name


def test_a_folder_name_is_bounded_and_can_be_typed_after_run() -> None:
    name = folder_name(12, [f"model.part{number}.width={number},'%$&'" for number in range(50)])
    assert len(name) <= 100
    assert OverridesParser.create().parse_override(f"run=outputs/{name}").value() == f"outputs/{name}"


@pytest.mark.parametrize(
    "text",
    [
        "/a/b",
        "/a b/c",
        "/it's/a,b=c",
        "/back\\slash",
        "/bücher",
        "/user@host:a:/10:20+b",
        "a:null",
        "b:",
        "10:20",
        "@a",
        "losses",
        "17",
        "1e-5",
        "1_0",
        "-1",
        "null",
        "2026-11-22_18-16-24",
    ],
)
def test_any_text_reaches_hydra_unchanged(text: str) -> None:
    assert OverridesParser.create().parse_override(f"key={quote(text)}").value() == text


def test_a_folder_of_a_sweep_on_slurm_needs_no_quotes() -> None:
    assert quote("/user@host:a/10:20+b/3_loss.a--1.0") == "/user@host:a/10:20+b/3_loss.a--1.0"


def test_the_last_line_of_a_log_is_what_the_job_said_last(tmp_path: Path) -> None:
    job = Job(0, "", tmp_path, ())
    assert job.last_line() == ""
    job.log.write_bytes(b"$ python\nValueError: \xff wrong\n\n")
    assert job.last_line() == "ValueError: \ufffd wrong"
