"""What all protocols share: the settings, the chain, and what it has opened."""

from collections.abc import Mapping
from dataclasses import dataclass

from langchain_core.runnables import Runnable

from askmd.serving.metrics import Metrics
from askmd.serving.request import tell
from askmd.serving.served_chain import served
from chains.prompting.prompts import Prompt, load_prompts
from chains.rag import compose
from chains.resources import Resources
from chains.schema import Answer, Question
from config.models import ChatModelSpec
from config.serving import ServingSettings
from config.settings import Settings


@dataclass(frozen=True)
class Engine:
    """One for each app. `resources` opens the store when a request first needs it; safe to share between threads."""

    settings: Settings
    serving: ServingSettings
    resources: Resources
    chain: Runnable[str | Question, Answer]
    models: Mapping[str, ChatModelSpec]
    prompts: Mapping[str, Prompt]
    metrics: Metrics

    def close(self) -> None:
        """Close the store."""
        self.resources.close()


def open_engine(settings: Settings, serving: ServingSettings) -> Engine:
    """Raise ConfigError for settings that name nothing; nothing else is opened yet."""
    resources = Resources(settings, tell=tell)
    metrics = Metrics()
    chain = served(compose(resources), metrics, serving)
    prompts = load_prompts(settings.prompts_dir)
    return Engine(settings, serving, resources, chain, settings.chat_models(), prompts, metrics)
