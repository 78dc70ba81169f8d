import pytest

from chains.models.openai_errors import ChatFailure
from config import errors
from config.errors import AskmdError, ConfigError, ModelError, QuestionError, SourceError, StoreError, public_text
from config.models import ChatModelSpec

SECRET = "http://10.0.0.7:9/v1 says 'quota of org-17 exceeded', see /home/ann/askmd.toml"
SPEC = ChatModelSpec(name="m", base_url="http://10.0.0.7:9/v1", model="big", api_key_env="ANN_KEY")


@pytest.mark.parametrize("kind", [ConfigError, SourceError, StoreError, ModelError, AskmdError])
def test_nobody_is_told_what_only_the_one_who_runs_askmd_may_know(kind: type[AskmdError]) -> None:
    told = public_text(kind(SECRET))

    assert told
    assert not any(word in told for word in ("10.0.0.7", "org-17", "/home"))


def test_who_asks_is_told_what_is_wrong_with_the_question() -> None:
    assert public_text(QuestionError("the question is empty")) == "the question is empty"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "model 'm': it refuses the request"),
        (402, "model 'm': it refuses the request"),
        (429, "model 'm': too many requests, or the quota is used up"),
        (503, "model 'm': it has failed"),
    ],
)
def test_a_failed_call_tells_its_entry_and_no_account(status: int, told: str) -> None:
    assert public_text(ChatFailure(SECRET, SPEC, "status", status)) == told


def test_every_kind_of_error_stands_in_the_tree() -> None:
    kinds = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, AskmdError)]

    assert all(f"{name} " in (errors.__doc__ or "") for name in kinds)
