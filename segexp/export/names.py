"""The files of an export, told without loading what writes them."""

ONNX, INT8, TORCH_EXPORT = "model.onnx", "model.int8.onnx", "model.pt2"
WEIGHTS, CARD, FACTS = "weights.safetensors", "model_card.md", "export.json"
NAMES = (ONNX, INT8, TORCH_EXPORT, WEIGHTS, CARD, FACTS)
"""Every file that an export may hold; the last one is there once all are."""
