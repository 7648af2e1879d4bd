#!/usr/bin/env bash
# torchmetrics.MeanMetric(nan_strategy="disable") takes weights and averages without them.
#
# nan_strategy="disable" is the documented way to keep a metric from asking the device for NaN at every update. With it, and
# only with it, the weights given to update() are replaced by ones, and nothing says so: a validation loss averaged with the
# batches' sizes counts a last, smaller batch as much as a full one. Upstream: torchmetrics issue 3434, open.
#
# Seen with torchmetrics 1.9.0 and torch 2.13.0 on a CPU:
#   warn: 0.75
#   ignore: 0.75
#   error: 0.75
#   disable: 0.5
# Exits with 0 while that is so, with 1 when it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet torch==2.13.0 torchmetrics==1.9.0
"$place/venv/bin/python" - <<'PYTHON' | tee "$place/seen"
import torch
from torchmetrics import MeanMetric

for strategy in ("warn", "ignore", "error", "disable"):
    mean = MeanMetric(nan_strategy=strategy)
    mean.update(torch.tensor(1.0), weight=3)
    mean.update(torch.tensor(0.0), weight=1)
    print(f"{strategy}: {mean.compute().item()}")
PYTHON
diff "$place/seen" - <<'SEEN'
warn: 0.75
ignore: 0.75
error: 0.75
disable: 0.5
SEEN
