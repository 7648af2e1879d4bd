"""What a training says: on the terminal, and in train.log of its run folder."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

NAME = "train.log"


@dataclass(frozen=True)
class TrainLog:
    """folder: the run folder. quiet: nothing is printed, and train.log has it all."""

    folder: Path
    quiet: bool

    def say(self, *lines: str) -> None:
        """Print lines, and append them to train.log with the time. The first rank alone says something."""
        now = datetime.now().astimezone().isoformat(" ", "seconds")
        if not self.quiet:
            print("\n".join(lines), flush=True)
        text = "".join(f"{now}  {line}\n" for line in lines)
        with suppress(OSError), (self.folder / NAME).open("a") as file:  # a full disk ends what loses something by it
            file.write(text)
