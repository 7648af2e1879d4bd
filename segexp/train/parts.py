"""Whether the data set, the classes and the encoder of a training are there: said before torch is loaded."""

from segexp import build
from segexp.model.encoder_names import check_encoder
from segexp.system import ranks, remote
from segexp.train.plan import GoOn, Plan, Start
from segexp.types import Values


def check_parts(plan: Plan) -> None:
    """Raise ValueError or FileNotFoundError for what a training would be refused for once all its parts are built.

    Street scenes that do not exist are rendered. A data set at a URL is listed once only, when it is read.
    """
    match plan:
        case Start(request, _):
            _check(request.values)
        case GoOn(values, _, _):
            _check(values)


def _check(values: Values) -> None:
    encoder, data = values["model"].get("encoder"), values["data"]
    if isinstance(encoder, str) and str(values["model"].get("_target_")).startswith("segexp.model."):
        check_encoder(encoder)
    source = build.source(values)
    build.grouping(values).label_ids(source.table)
    if ranks.rank() == 0 and not remote.is_url(str(data.get("root"))):
        for split in dict.fromkeys([data["train_split"], data["val_split"]]):
            source.pairs(split)
