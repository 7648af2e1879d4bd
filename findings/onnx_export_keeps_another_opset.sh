#!/usr/bin/env bash
# torch.onnx.export(opset_version=...) returns a model of another opset when it cannot convert, and raises nothing.
#
# The exporter writes opset 18 and converts it. A conversion that fails is only logged; the call returns as if it had
# succeeded, and the file has opset 18. A program for a device that reads an older opset refuses it much later. The nearest
# neighbour resize of a decoder is enough. Whoever needs the opset has to read it back from the model.
#
# Seen with torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2 on a CPU:
#   asked 18: got 18
#   asked 11: got 18
# Exits with 0 while that is so, with 1 when it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2
"$place/venv/bin/python" - 2>"$place/log" <<'PYTHON' | tee "$place/seen"
import torch
from torch import nn


class Decoder(nn.Module):
    def forward(self, image):
        return nn.functional.interpolate(image, scale_factor=2.0, mode="nearest")


for asked in (18, 11):
    program = torch.onnx.export(Decoder(), (torch.zeros(1, 3, 8, 8),), dynamo=True, opset_version=asked, verbose=False)
    print(f"asked {asked}: got {program.model.opset_imports['']}")
PYTHON
diff "$place/seen" - <<'SEEN'
asked 18: got 18
asked 11: got 18
SEEN
