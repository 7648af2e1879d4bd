"""sweep.sbatch asks SLURM for what its jobs need; tests/cluster submits it to a real SLURM."""

import shlex
import subprocess
from pathlib import Path

import pytest

from segexp.sweep.job import Job, Resources
from segexp.sweep.sbatch import array, common_resources, script
from tests.sweep.settings import slurm_settings

GPUS = Resources("gpu", 4, 2)


def jobs(folder: Path, count: int) -> list[Job]:
    return [Job(number, f"seed={number}", folder / f"{number}_seed-{number}", ()) for number in range(count)]


@pytest.mark.parametrize(
    ("numbers", "text"), [([0], "0"), ([0, 1, 2], "0-2"), ([7, 3, 2, 9, 10], "2-3,7,9-10"), ([1, 3], "1,3")]
)
def test_an_array_names_exactly_its_jobs(numbers: list[int], text: str) -> None:
    assert array(numbers) == text
    ranges = [[int(end) for end in each.split("-")] for each in text.split(",")]
    assert sorted(numbers) == [number for ends in ranges for number in range(ends[0], ends[-1] + 1)]


def test_the_script_asks_for_what_its_jobs_ask_for(tmp_path: Path) -> None:
    settings = slurm_settings(
        time="12:00:00", max_running=2, signal="USR1@90", setup=["module load cuda"], options={"mem": "9G"}
    )
    text = script(tmp_path, "typed", jobs(tmp_path, 3), GPUS, settings)
    options = [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH")]
    for option in ("array=0-2%2", "nodes=2", "ntasks-per-node=4", "cpus-per-task=8", "gpus-per-node=4", "requeue"):
        assert option in options
    assert {"time=12:00:00", "signal=USR1@90", "mem=9G"} < set(options)
    assert "\nmodule load cuda\n" in text
    assert not any(option.startswith(("partition", "account", "constraint")) for option in options)
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0


def run_task(text: str, folder: Path, number: int) -> str:
    """The output of a task of the array, with a stand-in for SLURM's srun."""
    stand_in = folder / "bin/srun"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n')
    stand_in.chmod(0o755)
    environment = {"PATH": f"{stand_in.parent}:/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": str(number)}
    answer = subprocess.run(["bash"], input=text, text=True, env=environment, capture_output=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_task_runs_its_line_of_jobs_txt_and_keeps_its_log(tmp_path: Path) -> None:
    commands = [f"echo 'a b' '$HOME' hydra.run.dir={tmp_path}/{number}" for number in range(3)]
    (tmp_path / "jobs.txt").write_text("".join(f"{each}\n" for each in commands))
    text = script(tmp_path, "typed", jobs(tmp_path, 3), GPUS, slurm_settings())
    assert run_task(text, tmp_path, 1) == f"a b $HOME hydra.run.dir={tmp_path}/1\n"
    assert (tmp_path / "1").is_dir()


def test_a_sweep_folder_with_all_characters_that_are_allowed_gets_the_runs(tmp_path: Path) -> None:
    sweep = tmp_path / "user@host:a/10:20+b_c-d.e"
    sweep.mkdir(parents=True)
    job = jobs(sweep, 1)[0]
    (sweep / "jobs.txt").write_text(f"{shlex.join(['echo', *job.command[1:]])}\n")
    text = script(sweep, "typed", [job], GPUS, slurm_settings())
    assert run_task(text, tmp_path, 0) == f"-m segexp.train hydra.run.dir={job.folder}\n"
    assert job.folder.is_dir()


def test_jobs_of_one_array_must_need_the_same_nodes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"seed=0 asks for 2 nodes with 4 devices.*seed=1 for 2 nodes with 1 devices"):
        common_resources(jobs(tmp_path, 2), [GPUS, Resources("gpu", 1, 2)])


def test_a_value_that_slurm_cannot_guess_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give a count"):
        common_resources(jobs(tmp_path, 1), [Resources("gpu", None, 1)])
    with pytest.raises(ValueError, match="say gpu or cpu"):
        script(tmp_path, "typed", jobs(tmp_path, 1), Resources("auto", 1, 1), slurm_settings())
    with pytest.raises(ValueError, match=r"choose another hydra.sweep.dir"):
        script(tmp_path / "100%", "typed", jobs(tmp_path, 1), GPUS, slurm_settings())
    with pytest.raises(ValueError, match=r"choose another hydra.sweep.dir"):
        script(tmp_path / "bücher", "typed", jobs(tmp_path, 1), GPUS, slurm_settings())
