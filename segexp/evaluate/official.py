"""python -m segexp.evaluate.official REQUEST ANSWER: run the Cityscapes evaluator on pairs of mask files (JSON).

It runs in a process of its own, because it keeps its settings in a module and ends the process at an error.
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

    request, answer = (Path(argument) for argument in sys.argv[1:])
    official.args.quiet = True
    official.args.exportFile = str(answer)
    pairs = json.loads(request.read_text())
    official.evaluateImgLists(pairs["predictions"], pairs["masks"], official.args)


if __name__ == "__main__":
    main()
