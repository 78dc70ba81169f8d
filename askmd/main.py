"""The command line: what each command takes, and errors in one line. Heavy imports happen inside the commands."""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from askmd.experiment_commands import experiment
from askmd.options import Budget, Filter, Json, K, Location, Question, Rerank, chosen, chosen_settings, print_json
from config.errors import AskmdError

app = typer.Typer(
    name="askmd",
    help="Answers questions about a folder of Markdown, from that folder alone, "
    "and says where each statement comes from.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(experiment, name="experiment")


@app.command()
def ingest(
    path: Location,
    name: Annotated[str | None, typer.Option(metavar="ROOT", help="Name of the root; else the folder's.")] = None,
    include: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Take these files, not *.md.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Leave these files out.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build everything anew, beside the old.")] = False,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Let a root lose all of its files.")] = False,
    engine: Annotated[
        str, typer.Option(metavar="local|ray", help="Read and embed here, or on a Ray cluster.")
    ] = "local",
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and sync whenever files change.")] = False,
    as_json: Json = False,
) -> int:
    """Bring the store in step with a folder (or a file) of Markdown."""
    from askmd.ingesting import print_report, run_ingest
    from askmd.watching import watch_folder
    from ingest.pipeline import IngestOptions
    from ingest.report import SyncReport

    options = IngestOptions(
        name=name,
        include=include or (),
        exclude=exclude or (),
        dry_run=dry_run,
        rebuild=rebuild,
        allow_empty=allow_empty,
        engine=engine,
    )

    def show(report: SyncReport) -> None:
        print_json(report.to_json()) if as_json else print_report(report, dry_run=dry_run)

    if watch:
        if dry_run or rebuild or engine != "local":
            raise typer.BadParameter("--watch goes with none of --dry-run, --rebuild and --engine")
        watch_folder(chosen_settings(), path, options, show)
        return 0
    report = run_ingest(chosen_settings(), path, options)
    show(report)
    return 1 if report.skipped else 0


@app.command()
def ask(
    question: Question,
    llm: Annotated[str | None, typer.Option(metavar="NAME", help="Chat model; see: askmd models.")] = None,
    prompt: Annotated[str | None, typer.Option(metavar="NAME", help="Prompt; see: askmd prompts.")] = None,
    k: K = None,
    budget: Budget = None,
    filter_: Filter = None,
    mode: Annotated[
        str | None, typer.Option(metavar="strict|labelled|off", help="Where the documents do not hold the answer.")
    ] = None,
    rerank: Rerank = None,
    history: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="What was said before: a JSON list of messages.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what was searched, and the scores.")] = False,
    show_thinking: Annotated[
        bool, typer.Option("--show-thinking", help="Show what the model thinks before it answers.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Answer a question from what was ingested, with citations."""
    from askmd.asking import show_answer, stream_answer
    from askmd.history import read_history
    from store.filters import parse_filters

    settings = chosen_settings(llm=llm, prompt=prompt, k=k, budget=budget, mode=mode, rerank=rerank)
    asked: Any = {
        "question": question,
        "chat_history": read_history(history) if history else [],
        "filter": parse_filters(filter_ or []),
    }
    if as_json:
        show_answer(settings, asked, print_json)
    else:
        stream_answer(settings, asked, explain=explain, thinking=show_thinking)
    return 0


@app.command()
def search(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", show_default=False)] = None,
    k: K = None,
    budget: Budget = None,
    filter_: Filter = None,
    rerank: Rerank = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made of.")] = False,
    queries: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help='Many questions: lines of {"id", "question"}.')
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="Where their hits go.")] = None,
    as_json: Json = False,
) -> int:
    """Find the passages for a question, without a chat model."""
    from askmd.notices import print_notices
    from askmd.searching import open_search, print_hits, search_many
    from store.filters import parse_filters

    if (question is None) == (queries is None) or (queries is None) != (out is None):
        raise typer.BadParameter("give either a QUESTION, or --queries FILE with --out FILE")
    settings = chosen_settings(k=k, budget=budget, rerank=rerank)
    with open_search(settings, parse_filters(filter_ or []), within_budget=budget is not None, judge=explain) as opened:
        if queries is not None and out is not None:
            written, notices = search_many(opened, queries, out)
            print_json({"queries": written}) if as_json else typer.echo(f"{written} questions searched: {out}")
            print_notices(notices)
            return 0
        hits, notices = opened.find(str(question))
    if as_json:
        print_json({"hits": hits, "notices": notices})
    else:
        print_hits(hits, explain=explain)
        print_notices(notices)
    return 0


@app.command("eval")
def eval_(
    queries: Annotated[
        Path, typer.Argument(metavar="QUERIES.jsonl", help="Questions with their passages.", show_default=False)
    ],
    k: Annotated[int | None, typer.Option("--k", metavar="N", help="Hits a question; else 20.")] = None,
    filter_: Filter = None,
    rerank: Rerank = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Where the result goes.")] = None,
    compare: Annotated[Path | None, typer.Option(metavar="OLD.json", help="Compare with an earlier result.")] = None,
    per_question: Annotated[bool, typer.Option("--per-question", help="List the questions, misses first.")] = False,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Set the evidence gate by these questions.")] = False,
    as_json: Json = False,
) -> int:
    """Measure retrieval over a file of questions whose passages are known, without a chat model."""
    from askmd.eval_tables import print_results
    from askmd.evaluating import DEPTH, evaluate_file
    from askmd.output import open_output, require_writable
    from store.filters import parse_filters

    if out is not None:
        require_writable(out)
    settings = chosen_settings(k=DEPTH if k is None else k, rerank=rerank)
    results = evaluate_file(settings, queries, parse_filters(filter_ or []), compare, calibrate_gate=calibrate)
    if out is not None:
        with open_output(out) as file:
            file.write(json.dumps(results.to_json(), ensure_ascii=False, indent=1) + "\n")
    if as_json:
        print_json(results.to_json())
    else:
        print_results(results, per_question=per_question)
    return 0


@app.command()
def chunks(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Markdown file.", show_default=False)],
    as_json: Json = False,
) -> int:
    """Show the chunks that ingest would make of a file."""
    from askmd.chunking import cut, print_chunks, to_hits

    source, split = cut(chosen_settings(), file)
    if as_json:
        print_json({"chunks": to_hits(source, split)})
    else:
        print_chunks(source, split)
    return 0


@app.command()
def remove(
    root: Annotated[str, typer.Argument(metavar="ROOT", help="A name that askmd status lists.", show_default=False)],
    as_json: Json = False,
) -> int:
    """Take a root with all its chunks out of the store; its files stay."""
    from askmd.ingesting import remove_root

    removed = remove_root(chosen_settings(), root)
    print_json({"removed": removed}) if as_json else typer.echo(f"removed {root}: {removed} chunks")
    return 0


@app.command()
def models(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="These only.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Ask their servers whether they can be used now.")] = False,
    as_json: Json = False,
) -> int:
    """List the chat models that --llm takes."""
    from askmd.inspecting import describe_models, print_models
    from askmd.reaching import check_models, print_reaches
    from config.models import find_model

    settings = chosen_settings()
    known = settings.chat_models()
    wanted = [find_model(known, name).name for name in names or known]
    rows = [row for row in describe_models(settings) if row["name"] in wanted]
    if not check:
        print_json({"models": rows}) if as_json else print_models(rows)
        return 0
    reaches = check_models(settings, wanted)
    if as_json:
        print_json({"models": [{**row, **reaches[row["name"]].to_json()} for row in rows]})
    else:
        print_reaches(settings, reaches)
    needed = wanted if names else [settings.llm]
    return 0 if all(reaches[find_model(known, name).name].usable for name in needed) else 1


@app.command()
def prompts(as_json: Json = False) -> int:
    """List the prompts that --prompt takes."""
    from askmd.inspecting import describe_prompts, print_table

    rows = describe_prompts(chosen_settings())
    print_json({"prompts": rows}) if as_json else print_table(rows)
    return 0


@app.command()
def status(
    check: Annotated[bool, typer.Option("--check", help="Look which sources changed since.")] = False,
    as_json: Json = False,
) -> int:
    """Show what the store holds."""
    from askmd.inspecting import describe_store, print_status

    found = describe_store(chosen_settings(), check=check)
    print_json(found) if as_json else print_status(found)
    return 0


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen; else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(metavar="N", help="Port to listen at; else 8000.")] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Processes; needs a Milvus server.")] = None,
) -> int:
    """Serve answers over HTTP: a page, LangServe, OpenAI's protocol, MCP and plain JSON."""
    from askmd.serving.process import serve as run_server
    from config.serving import ServingSettings

    run_server(chosen_settings(), ServingSettings(**chosen(host=host, port=port, workers=workers)))
    return 0


@app.command()
def doctor(as_json: Json = False) -> int:
    """Check everything that askmd needs, and say what to do where something is missing."""
    from askmd.doctor import examine, print_findings

    findings = examine()
    if as_json:
        print_json({"findings": [finding.to_json() for finding in findings]})
    else:
        print_findings(findings)
    return 1 if any(finding.state == "fail" for finding in findings) else 0


@app.command()
def mcp() -> int:
    """Serve search and ask to a program, as MCP tools over standard input and output."""
    from askmd.serving.process import require_extra

    require_extra()
    from askmd.serving.mcp_routes import serve_stdio

    serve_stdio(chosen_settings())
    return 0


def run() -> None:
    """Start the command line; end the process with 0, 1 for a failure, 2 for wrong use, 130 when interrupted."""
    try:
        status = app(args=sys.argv[1:] or ["--help"], prog_name="askmd", standalone_mode=False)
    except AskmdError as error:
        _complain(str(error))
        status = error.exit_status
    except typer.TyperException as error:
        _complain(getattr(error, "format_message", error.__str__)())
        status = 2
    except BrokenPipeError:
        # Whoever reads has enough; closing standard output at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    if status == 130:
        _complain("interrupted; what was done so far is kept")
    gc.freeze()  # or the collection at exit walks through all that was loaded, for half a second
    sys.exit(status or 0)


def _complain(message: str) -> None:
    typer.echo(f"askmd: {' '.join(message.split())}", err=True)
