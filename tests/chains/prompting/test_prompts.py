from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage

from chains.prompting.prompts import MODES, find_prompt, load_prompts, parse_prompt, to_template
from chains.text.refusal import question_language
from config.errors import ConfigError

GOOD = "# system\nS {{policy}}\n# user\n{{context}} {{question}}\n# strict\nA: {{refusal}}\n# labelled\nB\n# off\nC\n"


def test_the_shipped_prompts_are_well_formed() -> None:
    prompts = load_prompts()

    assert list(prompts) == ["bare", "grounded", "tutorial"]
    assert prompts["grounded"].retrieval
    assert prompts["grounded"].refusal == ""
    assert not prompts["bare"].retrieval
    assert all(prompt.description for prompt in prompts.values())


def test_the_tutorials_prompt_is_a_system_line_then_tags() -> None:
    system, user = to_template(load_prompts()["tutorial"], "strict").format_messages(context="C", question="Q")

    assert len(str(system.content).splitlines()) == 1
    assert "<context>\nC\n</context>\n<question>\nQ\n</question>" in str(user.content)


def test_history_stands_between_system_and_question() -> None:
    template = to_template(load_prompts()["grounded"], "strict")
    history = [HumanMessage("before"), AIMessage("reply")]

    messages = template.format_messages(context="C", question="Q", chat_history=history)

    assert [message.type for message in messages] == ["system", "human", "ai", "human"]
    assert "{{" not in str(messages[0].content)


def test_the_mode_decides_what_the_policy_says() -> None:
    prompt = parse_prompt("p", GOOD, "p.md")

    texts = {mode: to_template(prompt, mode).format_messages(context="", question="")[0].content for mode in MODES}

    assert texts == {"strict": "S A: The documents do not answer this question.", "labelled": "S B", "off": "S C"}


def test_the_language_of_the_question_is_named_behind_it_so_that_the_system_part_never_changes() -> None:
    prompt = load_prompts()["grounded"]

    messages = {
        (question, mode): to_template(prompt, mode, question_language(question)).format_messages(
            context="", question=question
        )
        for question in ("Wie lange zieht grüner Tee?", "Чай?", "HNSW", "How long?")
        for mode in MODES
    }

    assert len({str(system.content) for system, _ in messages.values()}) == 1
    last = {key: str(user.content).splitlines()[-1] for key, (_, user) in messages.items()}
    assert last["Wie lange zieht grüner Tee?", "strict"].startswith(
        "If the passages answer the question, or a part of it, write the answer in German, "
    )
    assert last["Wie lange zieht grüner Tee?", "strict"].endswith(": Die Dokumente beantworten diese Frage nicht.")
    assert last["Чай?", "off"].startswith("Write the answer in Russian, ")
    assert '"Not from the documents:"' in last["How long?", "labelled"]
    assert last["HNSW", "strict"].startswith(
        "If the passages answer the question, or a part of it, write the answer in the language of the question, "
    )


def test_a_prompts_own_refusal_wins_in_any_language() -> None:
    prompt = parse_prompt("p", f"---\nrefusal: Nope.\n---\n{GOOD}", "p.md")

    system, _ = to_template(prompt, "strict", question_language("Wie lange zieht der Tee?")).format_messages(
        context="", question=""
    )

    assert system.content == "S A: Nope."


@pytest.mark.parametrize(
    "text", ['{"a": 1}', "{x}", "{{#include}}", "{{ }}", "}{", "{", "{% raw %}", "$x {0} {!r}", "{{1}}"]
)
def test_braces_do_no_harm(text: str) -> None:
    prompt = parse_prompt("p", f"# user\n{text} | {{{{context}}}} | {{{{question}}}}\n", "p.md")

    (message,) = to_template(prompt, "strict").format_messages(context=text, question="{context} {{question}}")

    assert message.content == f"{text} | {text} | {{context}} {{{{question}}}}"


@given(
    literal=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="#")),
    context=st.text(),
    question=st.text(),
)
def test_any_text_passes_through_unchanged(literal: str, context: str, question: str) -> None:
    body = literal.replace("{{", "").strip()
    prompt = parse_prompt("p", "# user\n{{ question }}|{{context}}|" + body + "\n", "p.md")

    (message,) = to_template(prompt, "strict").format_messages(context=context, question=question)

    assert (
        message.content == f"{question}|{context}|{body}".rstrip() or message.content == f"{question}|{context}|{body}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"p\.md: it must begin with a line `# system` or `# user`"),
        ("Hello\n# user\n{{context}} {{question}}\n", "it must begin with a line"),
        ("# system\nx\n", "have a `# user` part"),
        ("# user\n{{context}} {{quesiton}}\n", r"p\.md: unknown variable 'quesiton'; known: question, context"),
        ("# user\n{{context}}\n", r"p\.md: variable 'question' is missing"),
        ("# user\n{{question}}\n", r"p\.md: variable 'context' is missing"),
        (
            "---\nretrieval: false\n---\n# user\n{{context}} {{question}}\n",
            "'context' has no value with `retrieval: false`",
        ),
        ("# user\n{{context}} {{question}} {{policy}}\n", "variable 'policy' needs a part `# strict`"),
        ("# user\n{{context}} {{question}}\n# strict\nx\n", "variable 'policy' is missing"),
        ("---\nrefusal: 3\n---\n# user\n{{context}} {{question}}\n", "front matter 'refusal': 3 is not understood"),
        ("---\ncolour: red\n---\n# user\n{{context}} {{question}}\n", "front matter 'colour': 'red' is not understood"),
        ("---\na: [\n---\n# user\n{{context}} {{question}}\n", r"p\.md: its front matter is not valid YAML"),
        ("---\ndescription: x\n# user\n{{context}} {{question}}\n", "front matter is not closed"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_prompt("p", text, "p.md")


def test_a_folder_of_ones_own_adds_and_replaces(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "mine.md").write_text(GOOD, "utf-8")
    (folder / "bare.md").write_text("# user\nShort: {{question}} {{context}}\n", "utf-8")
    (folder / "notes.txt").write_text("no prompt", "utf-8")

    prompts = load_prompts(folder)

    assert set(prompts) == {"bare", "grounded", "tutorial", "mine"}
    assert prompts["bare"].user.startswith("Short")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="prompts_dir .*nowhere' is not a folder"):
        load_prompts(tmp_path / "nowhere")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"bad\.md"):
        load_prompts(tmp_path)


def test_an_unknown_prompt_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no prompt is called 'x'; known: bare, grounded, tutorial"):
        find_prompt(load_prompts(), "x")
