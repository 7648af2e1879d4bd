"""python -m segexp.predict: segment images and videos with a trained run."""

import io
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from segexp.config.command_line import entry_point
from segexp.system.loading import loading
from segexp.system.memory import keep_freed_memory
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.predict.inputs import Input
    from segexp.predict.settings import PredictSettings
    from segexp.run.folder import RunFolder


@entry_point("predict")
def main(values: Values) -> None:
    from segexp.predict.inputs import check_output, find_inputs
    from segexp.predict.settings import PredictSettings
    from segexp.run.folder import RunFolder

    settings = PredictSettings.of(values)
    folder, place = Path(settings.output).expanduser().absolute(), Path(settings.input).expanduser()
    check_output(folder, place)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files are any bytes
    inputs = _leave_out_videos(find_inputs(place, folder), settings)
    run = RunFolder.fetch(settings.run, settings.checkpoint)
    run.checkpoint(settings.checkpoint)  # loading torch takes seconds, which a typo need not cost
    _predict_inputs(run, inputs, folder, settings)


def _predict_inputs(run: "RunFolder", inputs: "list[Input]", folder: Path, settings: "PredictSettings") -> None:
    with loading():
        from PIL import Image

        from segexp.inference.devices import find_devices
        from segexp.inference.model import load_model
        from segexp.inference.predictor import Predictor
        from segexp.inference.ready import ReadyNetwork, arithmetic_on
        from segexp.predict.outputs import Outputs
        from segexp.predict.predict import predict
        from segexp.system import signals

    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large images are the user's own
    device = find_devices(settings.device)[0]
    if device.type == "cpu":
        keep_freed_memory()
    arithmetic = arithmetic_on(device, settings)
    network = load_model(run, settings.checkpoint, settings.weights)
    kinds = (settings.masks, settings.overlay, settings.opacity, settings.legend, settings.probabilities)
    outputs = Outputs(folder, network.grouping, network.table, *kinds)
    pending = outputs.select_pending(inputs, settings.on_existing)
    inference = settings.non_default_values()
    origin = {"run": run.path.name, "checkpoint": settings.checkpoint, "step": network.step}
    origin |= {"weights": network.weights} if network.weights else {}
    origin |= {"bit_depth": settings.bit_depth} if settings.bit_depth else {}
    origin |= {"precision": arithmetic.precision}
    outputs.write_facts(origin, inference, settings.on_existing)
    print(f"network in {arithmetic}")
    model = ReadyNetwork(network.model, arithmetic).to(device)
    predictor = Predictor(model, network.image_size, settings, device)
    outputs.remove_abandoned_parts(pending)
    bit_depth = settings.bit_depth or network.bit_depth
    warn_of_unused_bits(pending, bit_depth)
    with signals.listening():  # SIGTERM, too, leaves no half-written file
        failed = predict(pending, predictor, outputs, settings.batch_size, settings.num_threads, bit_depth)
    print(f"{len(pending) - len(failed)} of {len(inputs)} predicted, {len(inputs) - len(pending)} existed already")
    print(folder)
    if failed:
        sys.exit(f"segexp.predict: {len(failed)} of {len(pending)} could not be predicted, named above")


def warn_of_unused_bits(inputs: "list[Input]", bit_depth: int | None) -> None:
    from segexp.data.bit_depth import unused_bits

    with suppress(ValueError):  # a broken file, which is named when it is its turn
        problem = unused_bits([item.file for item in inputs if not item.is_video], bit_depth, "bit_depth")
        if problem:
            print(f"warning: {problem}")


def _leave_out_videos(inputs: "list[Input]", settings: "PredictSettings") -> "list[Input]":
    """Return the inputs without videos if only probabilities are written, of which videos have none; name those.

    Raises ValueError if no input is left.
    """
    videos = [item.file for item in inputs if item.is_video]
    if not videos or settings.masks or settings.overlay:
        return inputs
    named = f"{len(videos)} videos, the first is {videos[0]}" if videos[1:] else str(videos[0])
    cure = "probabilities are written of images only; add masks=label_ids or overlay=true"
    if len(videos) == len(inputs):
        raise ValueError(f"input: nothing would be written of {named}: {cure}")
    print(f"left out: {named}: {cure}")
    return [item for item in inputs if not item.is_video]


if __name__ == "__main__":
    main()
