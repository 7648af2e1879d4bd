"""Settings of the launchers that SLURM, the shell or a launcher would misunderstand are refused."""

import re
from typing import Any

import pytest

from segexp.sweep.settings import LocalLauncherSettings, SlurmLauncherSettings
from tests.sweep.settings import slurm_settings


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ({"setup": "module load cuda"}, ("hydra.launcher.setup is 'module load cuda'", "a list of lines of shell")),
        ({"setup": None}, ("hydra.launcher.setup is null", "a list of lines of shell")),
        ({"setup": [1]}, ("hydra.launcher.setup is [1]", "hydra.launcher.setup=[module load cuda]")),
        ({"cpus_per_task": None}, ("hydra.launcher.cpus_per_task is null", "a whole number of at least 1")),
        ({"max_running": "abc"}, ("hydra.launcher.max_running is 'abc'", "null", "a whole number of at least 1")),
        ({"options": {"mem": True}}, ("hydra.launcher.options.mem is true", "a text or a number", "null")),
        ({"partitoin": "gpu"}, ("hydra.launcher.partitoin", "partition", "leave it out")),
    ],
)
def test_a_setting_that_slurm_would_misunderstand_is_refused(values: dict[str, Any], facts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(facts[0])) as refusal:
        slurm_settings(**values)
    assert [fact for fact in facts if fact not in str(refusal.value)] == [], refusal.value


@pytest.mark.parametrize("num_parallel", [0, True])
def test_a_number_of_parallel_jobs_below_1_is_refused(num_parallel: Any) -> None:
    with pytest.raises(ValueError, match="hydra.launcher.num_parallel is .*; allowed: null, .*at least 1"):
        LocalLauncherSettings.of({"num_parallel": num_parallel, "stop_seconds": 60}, within="hydra.launcher")


def test_options_of_sbatch_may_be_texts_numbers_or_flags() -> None:
    options = {"mem": "64G", "nice": 5, "exclusive": None}
    assert isinstance(slurm_settings(options=options), SlurmLauncherSettings)
    assert slurm_settings(options=options).options == options
