"""Names of the files in an export, known without loading what writes them."""

ONNX, INT8, TORCH_EXPORT = "model.onnx", "model.int8.onnx", "model.pt2"
WEIGHTS, CARD, SUMMARY = "weights.safetensors", "model_card.md", "export.json"
ARTIFACTS = (ONNX, INT8, TORCH_EXPORT, WEIGHTS, CARD, SUMMARY)
"""Every file that an export may hold. The last one is written last: an export that has it is complete."""
