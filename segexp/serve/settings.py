"""The settings of a server, checked before anything heavy is loaded."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from segexp.config.schema import Allowed, Count, DataValues, Device, Folder, Split, Text, Tuple, WholeNumber
from segexp.inference.settings import InferenceSettings
from segexp.types import Weights

Port = Annotated[int, Field(ge=0, lt=2**16), Allowed("a whole number from 0, for any port that is free, to 65535")]
HostNames = Annotated[tuple[str, ...], Tuple, Allowed("a list of names, such as [segexp.example.org]")]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False), Allowed("a number of seconds from 0 to 3600")]
NumConnections = Annotated[int, Field(ge=8), Allowed("a whole number of at least 8")]
Limit = Annotated[int, Field(ge=1024), Allowed("a whole number of at least 1024")]


def _check_token(value: Any) -> Any:
    """Refuse a token in an error that does not show it."""
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ValueError(
        "token is not a text, or is empty; allowed: null, or a text; quote what looks like a number, or set "
        "SEGEXP_TOKEN in the environment instead"
    )


class ServeSettings(InferenceSettings):
    """Every key of conf/serve.yaml; those of the network's run are inherited."""

    run: Folder
    checkpoint: Text
    weights: Weights | None
    split: Split | None
    data: DataValues
    host: Text
    port: Port
    token: Annotated[str | None, BeforeValidator(_check_token), Field(repr=False)]
    allowed_hosts: HostNames | None
    device: Device
    max_batch: Count
    max_wait_seconds: Seconds
    max_queue: Count
    max_upload_bytes: Limit
    max_pixels: Limit
    cache_bytes: WholeNumber
    max_connections: NumConnections
    client_seconds: Seconds
    shutdown_seconds: WholeNumber
