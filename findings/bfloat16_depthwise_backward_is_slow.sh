#!/usr/bin/env bash
# On CPUs that compute in bfloat16, torch trains depthwise convolutions many times slower in bfloat16 than in float32.
#
# The forward pass is faster than float32's, and so are both passes of ordinary convolutions; so is the advice to train in
# bfloat16. But the backward pass of a depthwise convolution with a stride or a kernel beyond 3x3, which every network of the
# MobileNet and EfficientNet families has, takes several times as long: half of a training step of a U-Net with such an
# encoder. Nothing warns. float32 gradients of the same bfloat16 features take the time of float32.
#
# Seen with torch 2.13.0 on one core of an Intel Xeon with amx_bf16 (144 channels, 5x5, stride 2, 2x90x120, channels_last):
#   depthwise: float32 27.3 ms, bfloat16 183.5 ms
#   ordinary:  float32  4.5 ms, bfloat16   1.2 ms
# The script asks for more than twice float32's time of the first, and less than float32's of the second. It needs a CPU
# with avx512_bf16 or amx_bf16, and says so on another one.
# Exits with 0 while that is so, with 1 when it has changed.
set -euo pipefail
if ! grep -q -m1 -E 'avx512_bf16|amx_bf16' /proc/cpuinfo; then
    echo "this CPU does not compute in bfloat16: nothing to see here"
    exit 1
fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet torch==2.13.0 numpy
"$place/venv/bin/python" - <<'PYTHON' | tee "$place/seen"
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)


def seconds(dtype: torch.dtype, channels: int, groups: int) -> float:
    """The least CPU time of five backward passes."""
    layer = nn.Conv2d(channels, channels, 5, stride=2, padding=2, groups=groups, bias=False)
    layer = layer.to(dtype, memory_format=torch.channels_last)
    features = torch.randn(2, channels, 90, 120).to(dtype, memory_format=torch.channels_last).requires_grad_()
    least = float("inf")
    for _ in range(5):
        output = layer(features)
        gradient = torch.ones_like(output)
        start = time.process_time()
        output.backward(gradient)
        least = min(least, time.process_time() - start)
    return least


for name, channels, groups in (("depthwise", 144, 144), ("ordinary", 16, 1)):
    single, half = seconds(torch.float32, channels, groups), seconds(torch.bfloat16, channels, groups)
    print(f"{name}: float32 {1000 * single:.1f} ms, bfloat16 {1000 * half:.1f} ms", file=sys.stderr)
    print(f"{name}: {'more than twice' if half > 2 * single else 'less than' if half < single else 'about'} float32's time")
PYTHON
diff "$place/seen" - <<'SEEN'
depthwise: more than twice float32's time
ordinary: less than float32's time
SEEN
