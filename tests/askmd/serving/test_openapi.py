"""The server keeps to its own description, whatever is sent to it (schemathesis makes the requests)."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.models import load_models
from ingest.pipeline import ingest
from tests.askmd.serving.guarded import serving, settings
from tests.support.app_server import AppServer
from tests.support.chat_replies import Reply
from tests.support.chat_server import ChatServer
from tests.support.corpus import FILES
from tests.support.stores import write_files

HEADERS = {"Authorization": "Bearer other-key"}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The description that a running server gives of itself."""
    folder = tmp_path_factory.mktemp("described")
    with ChatServer(default=Reply("In a closed tin [1].")) as chat:
        here = {"base_url": chat.root_url, "api_key_env": None}
        models = {name: here for name, spec in load_models({}).items() if spec.base_url}
        given = settings(folder / "s.db", chat.root_url).model_copy(update={"models": models, "llm": "deepseek"})
        ingest(given, write_files(folder / "handbook", FILES))
        with AppServer(given, serving()) as server:
            yield schemathesis.openapi.from_url(f"{server.url}/openapi.json", headers=HEADERS)


ROUTES = [
    ("POST", "/ask"),
    ("GET", "/choices"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("POST", "/rag/batch"),
    ("GET", "/rag/config_schema"),
    ("GET", "/rag/input_schema"),
    ("POST", "/rag/invoke"),
    ("GET", "/rag/output_schema"),
    ("POST", "/rag/stream"),
    ("POST", "/rag/stream_events"),
    ("POST", "/rag/stream_log"),
    ("GET", "/readyz"),
    ("POST", "/search"),
    ("GET", "/sources/{doc}"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
]


def test_nothing_is_left_out(described: BaseSchema) -> None:
    operations = [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]

    assert sorted((operation.method.upper(), operation.path) for operation in operations) == sorted(ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_answer_is_as_described(described: BaseSchema, method: str, path: str) -> None:
    @given(case=described[path][method].as_strategy())
    @hypothesis_settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
    def check(case: Case[Any]) -> None:
        # A form can not say which documents, models and filters there are, or that a question must say something.
        response = case.call_and_validate(headers=HEADERS, excluded_checks=[positive_data_acceptance])
        assert response.status_code != 401

    check()
