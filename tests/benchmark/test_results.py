"""A file of results goes on where it stopped, and a file that holds none is named."""

from pathlib import Path

import pytest

from segexp.benchmark.results import Results


def test_results_of_another_machine_and_torn_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    first = Results.open(path, {"device": "a"}, ("model",), False)
    first.add({"model": "x", "ms": 1})
    first.add({"model": "y", "ms": 2})
    first.add({"model": "x", "ms": 3})
    again = Results.open(path, {"device": "a"}, ("model",), False)
    assert again.records == [{"model": "y", "ms": 2}, {"model": "x", "ms": 3}]
    with pytest.raises(ValueError, match="measured with device 'a', now 'b'; add overwrite=true"):
        Results.open(path, {"device": "b"}, ("model",), False)
    assert Results.open(path, {"device": "b"}, ("model",), True).records == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ('{"machine": {"device": "a"}, "records": [{"mo', "Unterminated string"),
        ("[]", "it lacks a machine and its records"),
        ('{"machine": {"device": "a"}}', "it lacks a machine and its records"),
        ('{"machine": ["a"], "records": []}', "it lacks a machine and its records"),
        ('{"machine": {"device": "a"}, "records": [{"model": "x"}, {"ms": 1}]}', "record 1 has no model"),
        ('{"machine": {"device": "a"}, "records": [{"model": "x"}, 7]}', "record 1 has no model"),
        ('{"machine": {"device": "a"}, "records": [{"model": "x", "ms": NaN}]}', "NaN"),
        ("\xff", "can't decode byte"),
    ],
)
def test_a_file_that_holds_no_results_is_named_with_the_cure(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "models.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=f"{path} has no results .*{reason}.*; add overwrite=true, or keep both"):
        Results.open(path, {"device": "a"}, ("model",), False)
