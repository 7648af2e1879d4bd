"""Losses: every one is a module that is called with (logits, target) and returns one number.

logits: unnormalised scores [B, C, H, W] of any floating type; the softmax happens here, never in the model.
target: class index of each pixel [B, H, W], of any integer type; VOID pixels cost nothing and get no gradient.
Returns a float32 scalar >= 0, the loss of the global batch; 0 if every pixel is void.
Raises ValueError for shapes, types and values that do not fit (`engine.pixels.check_inputs`).
"""
