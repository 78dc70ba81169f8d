"""Which model ids are today's: for messages about an id that the provider does not know."""

import tomllib
from importlib.resources import files

from config.models import ChatModelSpec, load_models


def todays_id(spec: ChatModelSpec) -> str:
    """Say in a clause what to put for an entry's `model`; its provider does not know the one that is there.

    Ids that were retired are in config/retired_models.toml with their sources. For another id the clause has those
    that the shipped registry has of the provider: of those entries whose key is the same.
    """
    table = tomllib.loads(files("config").joinpath("retired_models.toml").read_text("utf-8"))
    if retired := table.get(spec.model):
        return f"it was retired on {retired['since']}; today's id is {retired['model']!r}, {retired['how']}"
    if ids := _known_ids(spec):
        return f"ids that askmd knows of this provider: {', '.join(map(repr, ids))}"
    return f"the server lists its ids at {spec.base_url.rstrip('/')}/models"


def _known_ids(spec: ChatModelSpec) -> list[str]:
    of_the_provider = [
        other.model for other in load_models({}).values() if other.api_key_env and other.api_key_env == spec.api_key_env
    ]
    return [model for model in dict.fromkeys(of_the_provider) if model != spec.model]
