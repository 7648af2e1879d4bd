"""The program that a `wandb agent` starts: python -m segexp.logger.agent SWEEP_FOLDER key=value ...

It becomes one training in the run folder SWEEP_FOLDER/<id of the W&B run>, in the same process, so that signals of the
agent reach the training.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

USAGE = "segexp.logger.agent: started by `wandb agent`, which sets WANDB_RUN_ID: see sweeps/wandb_losses.yaml"


def command(sweep_folder: Path, arguments: Iterable[str], run_id: str) -> list[str]:
    """The command that trains one W&B run: a new training, or a resumed one if the run already has a checkpoint."""
    run = sweep_folder / run_id
    train = [sys.executable, "-m", "segexp.train"]
    if any(run.glob("checkpoints/*.ckpt")):
        return [*train, f"resume={run}"]
    return [*train, *overrides(arguments), f"hydra.run.dir={run}"]


def overrides(arguments: Iterable[str]) -> list[str]:
    """The agent's key=value arguments as overrides for Hydra.

    For a run to be resumed, the agent repeats everything that was logged of its configuration, nested groups and W&B's
    own facts too. Only the plain values are kept, since the sweep chose among those. W&B writes None for null.
    """
    typed = [argument.partition("=") for argument in arguments]
    plain = [(key, value) for key, _, value in typed if key != "_wandb" and not value.startswith("{")]
    return [f"{key}={'null' if value == 'None' else value}" for key, value in plain]


def main() -> None:
    folder, *arguments = sys.argv[1:] or [""]
    run_id = os.environ.get("WANDB_RUN_ID", "")
    if not folder or "=" in folder or not run_id:
        sys.exit(USAGE)
    training = command(Path(folder).absolute(), arguments, run_id)
    os.execv(training[0], training)


if __name__ == "__main__":
    main()
