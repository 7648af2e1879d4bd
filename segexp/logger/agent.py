"""What a `wandb agent` starts: python -m segexp.logger.agent SWEEP_FOLDER key=value ... becomes one training.

The run folder is SWEEP_FOLDER/<id of the W&B run>. This process becomes the training, so signals of the agent reach it.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

USAGE = "segexp.logger.agent: started by `wandb agent`, which sets WANDB_RUN_ID: see sweeps/wandb_losses.yaml"


def command(sweep_folder: Path, arguments: Iterable[str], run_id: str) -> list[str]:
    """The training of one W&B run: a new one, or from its last checkpoint where it already has one."""
    run = sweep_folder / run_id
    train = [sys.executable, "-m", "segexp.train"]
    if any(run.glob("checkpoints/*.ckpt")):
        return [*train, f"resume={run}"]
    return [*train, *overrides(arguments), f"hydra.run.dir={run}"]


def overrides(arguments: Iterable[str]) -> list[str]:
    """What Hydra understands of an agent's key=value arguments.

    For a run to be resumed the agent repeats all that was logged of its configuration, nested groups and W&B's own
    facts too; only the plain values, which the sweep chose from, are kept. None is what W&B makes of null.
    """
    typed = [argument.partition("=") for argument in arguments]
    plain = [(key, value) for key, _, value in typed if key != "_wandb" and not value.startswith("{")]
    return [f"{key}={'null' if value == 'None' else value}" for key, value in plain]


def main() -> None:
    folder, *arguments = sys.argv[1:] or [""]
    run_id = os.environ.get("WANDB_RUN_ID", "")
    if not folder or "=" in folder or not run_id:
        sys.exit(USAGE)
    started = command(Path(folder).absolute(), arguments, run_id)
    os.execv(started[0], started)


if __name__ == "__main__":
    main()
