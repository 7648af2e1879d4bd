"""python -m segexp.evaluate.official REQUEST ANSWER: the Cityscapes evaluator on pairs of mask files, both JSON.

A process of its own, as the evaluator keeps its settings in a module and ends the process where it finds an error.
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    if not hasattr(np, "in1d"):
        np.in1d = np.isin  # type: ignore[attr-defined]  # removed in NumPy 2.4, still called by cityscapesscripts 2.3
    official = importlib.import_module("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")

    asked, answer = (Path(argument) for argument in sys.argv[1:])
    official.args.quiet = True
    official.args.exportFile = str(answer)
    pairs = json.loads(asked.read_text())
    official.evaluateImgLists(pairs["predictions"], pairs["masks"], official.args)


if __name__ == "__main__":
    main()
