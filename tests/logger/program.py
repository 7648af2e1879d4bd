"""python -m tests.logger.program FOLDER LINES: run lines of Python with a `logger` for the run folder, no training."""

import os
import signal
import sys
import time

from segexp.logger.wandb import wandb_logger

folder, lines = sys.argv[1:]
logger = wandb_logger(folder, "segexp", None, None, "some sweep")
exec(lines, {"logger": logger, "wandb_logger": wandb_logger, "os": os, "signal": signal, "time": time})
