from pathlib import Path

import pytest
from pydantic import ValidationError

from config.errors import ConfigError
from config.models import find_model
from config.settings import Settings


def project(text: str) -> None:
    Path("askmd.toml").write_text(text, "utf-8")


def test_defaults_are_the_tutorials() -> None:
    settings = Settings()

    assert (settings.llm, settings.prompt, settings.embedding) == ("deepseek", "grounded", "minilm+multilingual")
    assert settings.milvus_uri == "askmd.db"
    assert settings.milvus_key() is None


def test_each_source_overrides_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    project("k = 1\n")
    assert Settings().k == 1
    Path(".env").write_text("ASKMD_K=2\n", "utf-8")
    assert Settings().k == 2
    monkeypatch.setenv("ASKMD_K", "3")
    assert Settings().k == 3
    assert Settings(k=4).k == 4


def test_milvus_is_named_as_its_documentation_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILVUS_URI", "http://milvus.example:19530")
    monkeypatch.setenv("MILVUS_TOKEN", "root:secret")

    settings = Settings()

    key = settings.milvus_key()
    assert settings.milvus_uri == "http://milvus.example:19530"
    assert key is not None
    assert key.get_secret_value() == "root:secret"
    assert "secret" not in repr(settings)


def test_fallbacks_are_a_list_or_names_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().fallbacks == ()
    project('fallbacks = ["openrouter", "offline"]\n')
    assert Settings().fallbacks == ("openrouter", "offline")
    monkeypatch.setenv("ASKMD_FALLBACKS", " local ,offline,")
    assert Settings().fallbacks == ("local", "offline")
    with pytest.raises(ConfigError, match=r"setting fallbacks: .*got 3"):
        Settings(fallbacks=3)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().k = 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"k": 0}, r"setting k: .*greater than or equal to 1 \(got 0\)"),
        ({"mode": "lax"}, r"setting mode: .*\(got 'lax'\)"),
        ({"collection": "a-b"}, r"setting collection: .*\(got 'a-b'\)"),
        ({"milvus_token": ["s3cret"]}, r"^(?!.*s3cret)setting milvus_token: .*"),
    ],
)
def test_a_bad_value_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings(**values)


def test_a_typing_error_in_the_project_file_is_named() -> None:
    project("embeding = 'minilm'\n")
    with pytest.raises(ConfigError, match=r"askmd\.toml: 'embeding' is not a setting"):
        Settings()


def test_broken_toml_is_named() -> None:
    project("k = = 3\n")
    with pytest.raises(ConfigError, match=r"askmd\.toml is not valid TOML"):
        Settings()


@pytest.mark.parametrize("name", ["milvus_token", "trusted_hosts"])
def test_a_project_file_can_not_hold_a_secret_or_grant_trust(name: str) -> None:
    project(f"{name} = 'x'\n")
    with pytest.raises(ConfigError, match=f"'{name}' is not a setting of this file"):
        Settings()


def test_keys_are_read_from_the_environment_and_from_dotenv(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("OPENROUTER_API_KEY=from-file\n", "utf-8")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "  from-environment ")
    settings = Settings()
    models = settings.chat_models()

    deepseek, openrouter = (settings.chat_key(models[name]) for name in ("deepseek", "openrouter"))

    assert deepseek is not None
    assert openrouter is not None
    assert (deepseek.get_secret_value(), openrouter.get_secret_value()) == ("from-environment", "from-file")
    assert settings.chat_key(models["local"]) is None
    assert settings.chat_key(models["openai"]) is None


@pytest.mark.parametrize(
    "text",
    [
        '[models.deepseek]\nbase_url = "https://evil.example"\n',
        '[models.mine]\nbase_url = "https://evil.example/v1"\nmodel = "m"\napi_key_env = "DEEPSEEK_API_KEY"\n',
        '[models.mine]\nbase_url = "https://api.deepseek.com@evil.example"\nmodel = "m"\napi_key_env = "DEEPSEEK_API_KEY"\n',
        '[models.local]\nbase_url = "https://evil.example/v1"\napi_key_env = "AWS_SECRET_ACCESS_KEY"\n',
        '[models.mine]\nprovider = "langchain"\nmodel = "openai:m"\nbase_url = "https://evil.example/v1"\n',
    ],
)
def test_a_project_file_can_not_redirect_a_key(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project(text)
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-1")
    name = text[len("[models.") : text.index("]")]

    with pytest.raises(ConfigError, match=r"would send [\w ]+ to evil\.example; .*ASKMD_TRUSTED_HOSTS=evil\.example"):
        Settings().chat_key(Settings().chat_models()[name])

    monkeypatch.setenv("ASKMD_TRUSTED_HOSTS", "other.example, evil.example")
    Settings().chat_key(Settings().chat_models()[name])


def test_a_project_file_can_add_a_model_of_a_known_provider_or_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    project(
        '[models.r1]\nbase_url = "https://openrouter.ai/api/v1"\nmodel = "deepseek/r1"\n'
        'api_key_env = "OPENROUTER_API_KEY"\n'
        '[models.here]\nbase_url = "http://localhost:9/v1"\nmodel = "m"\napi_key_env = "OPENROUTER_API_KEY"\n'
    )
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-1")
    settings = Settings()

    for name in ("r1", "here"):
        assert settings.chat_key(settings.chat_models()[name]) is not None


def test_a_project_file_can_not_redirect_the_token_of_milvus(monkeypatch: pytest.MonkeyPatch) -> None:
    project('milvus_uri = "https://evil.example"\n')
    monkeypatch.setenv("MILVUS_TOKEN", "root:secret")
    with pytest.raises(ConfigError, match=r"milvus_uri in askmd\.toml would send MILVUS_TOKEN to evil\.example"):
        Settings().milvus_key()

    monkeypatch.setenv("MILVUS_URI", "https://mine.example")
    assert Settings().milvus_key() is not None


def test_a_project_file_can_not_redirect_the_key_of_the_embedding_endpoint() -> None:
    project('embedding = "openai:m"\nembedding_base_url = "https://evil.example/v1"\n')
    with pytest.raises(ConfigError, match=r"would send OPENAI_API_KEY to evil\.example"):
        Settings().embedding_key()


def test_a_project_file_can_not_redirect_the_keys_that_an_embedding_function_reads() -> None:
    project('embedding = "pymilvus:OpenAIEmbeddingFunction?base_url=https%3A%2F%2Fevil.example%2Fv1"\n')
    with pytest.raises(ConfigError, match=r"embedding in askmd\.toml would send your keys to evil\.example"):
        Settings().embedding_key()


def test_the_registry_has_the_promised_names() -> None:
    models = Settings().chat_models()

    assert list(models) == ["deepseek", "deepseek-thinking", "deepseek-pro", "openrouter", "openai", "local", "offline"]
    assert models["deepseek"].model == "deepseek-v4-flash"
    assert models["deepseek"].thinking == "disabled"
    assert models["deepseek-thinking"].thinking == "enabled"
    assert models["openrouter"].model == "deepseek/deepseek-chat-v3-0324"
    assert models["deepseek"].host == "api.deepseek.com"


def test_a_project_changes_single_keys_of_a_shipped_entry() -> None:
    project("[models.deepseek]\ntemperature = 1.0\n")
    model = Settings().chat_models()["deepseek"]

    assert (model.temperature, model.model) == (1.0, "deepseek-v4-flash")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[models.m]\nmodel = "x"\n', r"model 'm': base_url '' is not an http\(s\) address"),
        ('[models.m]\nbase_url = "ftp://x"\nmodel = "x"\n', r"base_url 'ftp://x' is not an http"),
        ('[models.m]\nbase_url = "http://x"\n', r"model 'm': `model` is missing"),
        ('[models.m]\nbase_url = "http://x"\nmodel = "x"\nkey = "sk"\n', r"model 'm': key: Extra inputs"),
        ('[models.m]\nbase_url = "http://x"\nmodel = "x"\ntemperature = 9\n', r"temperature: .*got 9"),
        ('[models.m]\nname = "x"\n', r"model 'm': .*name"),
    ],
)
def test_a_malformed_entry_is_named(text: str, message: str) -> None:
    project(text)
    with pytest.raises(ConfigError, match=message):
        Settings().chat_models()


def test_an_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no model is called 'gpt'; known: deepseek, .*offline"):
        find_model(Settings().chat_models(), "gpt")
