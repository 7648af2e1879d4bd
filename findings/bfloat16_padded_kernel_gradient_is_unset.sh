#!/usr/bin/env bash
# On CPUs that compute in bfloat16, a padded convolution whose kernel is larger than its features gets a wrong gradient of its
# weights: part of it is whatever the memory held before, NaN among it.
#
# A 7x7 kernel with padding 3 on 512 features of 2x2, as the first fully connected layer of FCN-8 has for images of 64x64. The
# outer taps of the kernel only ever meet padding, so their gradient is 0, as it is in float32. In bfloat16 it is not 0, and
# NaN where the memory held NaN. Nothing warns, and with 64 channels it is right. Padding the features first and convolving
# without padding gives the right gradient.
#
# Seen with torch 2.13.0 (oneDNN 3.12.0) on an AMD EPYC with avx512_bf16, in ten backward passes each:
#   float32: gradient of taps that only meet padding: 0
#   bfloat16: gradient of taps that only meet padding: not 0
#   bfloat16, padded before: gradient of taps that only meet padding: 0
# It needs a CPU with avx512_bf16 or amx_bf16, and says so on another one.
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
import torch
from torch.nn import functional

USED = slice(2, 5)  # taps of a 7x7 kernel that meet features of 2x2


def largest_outside(dtype: torch.dtype, padded_before: bool) -> float:
    """The largest gradient of a tap that only meets padding, infinite for NaN, in ten backward passes."""
    largest = 0.0
    for seed in range(10):
        torch.manual_seed(seed)
        weight = torch.randn(128, 512, 7, 7).to(dtype).requires_grad_()
        features = torch.randn(2, 512, 2, 2).to(dtype)
        before = torch.full_like(weight, float("nan"))
        del before  # its memory is free for the gradient
        if padded_before:
            output = functional.conv2d(functional.pad(features, (3, 3, 3, 3)), weight)
        else:
            output = functional.conv2d(features, weight, padding=3)
        output.sum().backward()
        outside = weight.grad.float()
        outside[:, :, USED, USED] = 0
        largest = max(largest, outside.abs().nan_to_num(nan=float("inf")).max().item())
    return largest


for name, dtype, padded_before in (
    ("float32", torch.float32, False),
    ("bfloat16", torch.bfloat16, False),
    ("bfloat16, padded before", torch.bfloat16, True),
):
    outside = largest_outside(dtype, padded_before)
    print(f"{name}: gradient of taps that only meet padding: {'not ' if outside else ''}0")
PYTHON
diff "$place/seen" - <<'SEEN'
float32: gradient of taps that only meet padding: 0
bfloat16: gradient of taps that only meet padding: not 0
bfloat16, padded before: gradient of taps that only meet padding: 0
SEEN
