"""The `threadline` command: its words and options. What a command does is imported when it is called."""

import errno
import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="threadline",
    help="Turns Slack threads into helpdesk tickets and keeps the two in step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
desk_app = typer.Typer(help="Try a desk by hand.", no_args_is_help=True, rich_markup_mode=None)
links_app = typer.Typer(help="Look at links between threads and tickets.", no_args_is_help=True, rich_markup_mode=None)
parked_app = typer.Typer(help="Decide about work that waits for a person.", no_args_is_help=True, rich_markup_mode=None)
people_app = typer.Typer(help="Say who Slack people are at a desk.", no_args_is_help=True, rich_markup_mode=None)
forget_app = typer.Typer(help="Forget a person, a ticket, or everything.", no_args_is_help=True, rich_markup_mode=None)
export_app = typer.Typer(help="Show what is kept about a person.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(forget_app, name="forget")
app.add_typer(export_app, name="export")
app.add_typer(desk_app, name="desk")
app.add_typer(people_app, name="people")
app.add_typer(links_app, name="links")
app.add_typer(parked_app, name="parked")

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (default: threadline.toml).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Name = Annotated[str, typer.Argument(help="The desk's name in the settings.")]
Number = Annotated[str, typer.Argument(help="The ticket's number; id:... for the API's own id.")]
Thread = Annotated[str, typer.Argument(help="The thread, as `links list` shows it.")]
User = Annotated[str, typer.Argument(help="The person's id in Slack, such as U0123456789.")]
Op = Annotated[str, typer.Argument(help="The operation, as `parked list` shows it.")]
Reopen = Annotated[
    bool | None, typer.Option("--reopen/--new", help="Where its ticket is closed: open it again, or another.")
]
Body = Annotated[str, typer.Option(help="The text.")]
Drop = Annotated[bool, typer.Option("--drop-waiting", help="Also what waits to be delivered; it is lost.")]
Email = Annotated[str, typer.Option("--requester-email", help="E-mail address of the requester.")]
Person = Annotated[str, typer.Option("--requester-name", help="Name of the requester.")]
Files = Annotated[list[Path] | None, typer.Option("--file", exists=True, dir_okay=False, help="A file; repeatable.")]


@app.command()
def run(
    config: Config = None,
    role: Annotated[str, typer.Option(help="all, front (takes what Slack sends) or worker (does the work).")] = "all",
) -> None:
    """Run Threadline until it is stopped."""
    from bot.commands.run import run as work

    work(config, role)


@app.command()
def demo(
    desk: Annotated[str, typer.Option(help="Which kind of desk to try.")] = "local",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the page on this machine.")] = 8765,
    script: Annotated[bool, typer.Option("--script", help="Run the journey without a browser and print it.")] = False,
    language: Annotated[str, typer.Option(help="Language of what a thread sees: en or it.")] = "en",
) -> None:
    """Try Threadline on this machine with a pretend Slack and a stand-in of a desk."""
    from bot.commands.demo import demo as work

    work(desk, port, script=script, language=language)


@app.command()
def doctor(config: Config = None, as_json: Json = False) -> None:
    """Check settings, Redis, Slack and each desk; say what to do about each line that fails."""
    from bot.commands.doctor import doctor as work

    work(config, as_json=as_json)


@app.command()
def adapters(as_json: Json = False) -> None:
    """Show what each kind of desk can do."""
    from bot.commands.adapters import adapters as work

    work(as_json=as_json)


@app.command()
def manifest(
    url: Annotated[str, typer.Option(help="Public https address, for HTTP mode.")] = "",
    step: Annotated[bool, typer.Option("--workflow-step", help="With the step for Workflow Builder.")] = False,
    config: Config = None,
) -> None:
    """Print the Slack app's manifest: for Socket Mode, or with --url for HTTP mode; with the desks of the settings."""
    from bot.commands.manifest import manifest as work

    work(url, config, step=step)


@desk_app.command()
def check(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Prove address, credentials, rights and lists without changing anything."""
    from bot.commands.desk import check as work

    work(config, name, as_json=as_json)


@desk_app.command()
def fields(
    name: Name,
    department: Annotated[str, typer.Option(help="Id of a department.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show what the form asks for at a desk."""
    from bot.commands.desk import fields as work

    work(config, name, department, as_json=as_json)


@desk_app.command("open")
def open_(
    name: Name,
    subject: Annotated[str, typer.Option(help="The ticket's subject.")],
    body: Body,
    email: Email = "",
    person: Person = "",
    department: Annotated[str, typer.Option(help="Id of a department.")] = "",
    priority: Annotated[str, typer.Option(help="Id of a priority.")] = "",
    owner: Annotated[str, typer.Option(help="Id of an agent.")] = "",
    field: Annotated[list[str] | None, typer.Option(help="A custom field as key=value; repeatable.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="One of the desk's options as key=value.")] = None,
    file: Files = None,
    internal: Annotated[bool, typer.Option("--internal", help="The requester cannot see it.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Ask the desk to send no mail.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Open a ticket."""
    from bot.commands.desk import open_ticket as work

    given = _message(body, email, person, file, internal=internal, quiet=quiet)
    given |= {"subject": subject, "department": department, "priority": priority, "owner": owner}
    given |= {"field": field or [], "option": option or []}
    work(config, name, given, as_json=as_json)


@desk_app.command()
def reply(
    name: Name,
    number: Number,
    body: Body,
    email: Email = "",
    person: Person = "",
    file: Files = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Ask the desk to send no mail.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write a public reply on a ticket."""
    from bot.commands.desk import add_message as work

    work(config, name, number, _message(body, email, person, file, internal=False, quiet=quiet), as_json=as_json)


@desk_app.command()
def note(
    name: Name,
    number: Number,
    body: Body,
    email: Email = "",
    person: Person = "",
    file: Files = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write an internal note on a ticket."""
    from bot.commands.desk import add_message as work

    work(config, name, number, _message(body, email, person, file, internal=True, quiet=True), as_json=as_json)


@desk_app.command()
def show(name: Name, number: Number, config: Config = None, as_json: Json = False) -> None:
    """Show a ticket with its messages."""
    from bot.commands.desk import show as work

    work(config, name, number, as_json=as_json)


@links_app.command("list")
def links_list(config: Config = None, as_json: Json = False) -> None:
    """List all links."""
    from bot.commands.links import list_links as work

    work(config, as_json=as_json)


@links_app.command("show")
def links_show(thread: Thread, config: Config = None, as_json: Json = False) -> None:
    """Show one link and what waits in its thread."""
    from bot.commands.links import show_link as work

    work(config, thread, as_json=as_json)


@links_app.command("remove")
def links_remove(thread: Thread, config: Config = None) -> None:
    """Part a thread and its ticket; both stay as they are."""
    from bot.commands.links import remove_link as work

    work(config, thread)


@links_app.command("rebuild")
def links_rebuild(
    config: Config = None,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How old threads may be.")] = 90,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which would be made.")] = False,
    as_json: Json = False,
) -> None:
    """Make lost links again from the cards in Slack and the markers at the desks."""
    from bot.commands.reconcile import rebuild as work

    work(config, days=days, dry_run=dry_run, as_json=as_json)


@app.command()
def reconcile(
    thread: Annotated[str, typer.Argument(help="One thread, as `links list` shows it; all without it.")] = "",
    config: Config = None,
    repair: Annotated[bool, typer.Option("--repair", help="Have what is missing brought.")] = False,
    as_json: Json = False,
) -> None:
    """Compare threads with their tickets, and say or mend what either lacks."""
    from bot.commands.reconcile import reconcile as work

    work(config, thread, repair=repair, as_json=as_json)


@people_app.command("map")
def people_map(
    desk: Name,
    user: User,
    email: Annotated[str, typer.Option(help="Their e-mail address at the desk.")] = "",
    desk_id: Annotated[str, typer.Option("--id", help="The desk's own id for them; no look-up is made then.")] = "",
    name: Annotated[str, typer.Option(help="Their name at the desk; as in Slack where it is not given.")] = "",
    config: Config = None,
) -> None:
    """Write down which requester at a desk somebody in Slack is."""
    from bot.commands.people import map_person as work
    from bot.conversion.mapped import Mapped

    work(config, Mapped(desk=desk, user=user, email=email, desk_id=desk_id, name=name))


@people_app.command("unmap")
def people_unmap(desk: Name, user: User, config: Config = None) -> None:
    """Forget it; their e-mail address tells again who they are."""
    from bot.commands.people import unmap_person as work

    work(config, desk, user)


@people_app.command("list")
def people_list(config: Config = None, as_json: Json = False) -> None:
    """List all that is written down."""
    from bot.commands.people import list_people as work

    work(config, as_json=as_json)


@forget_app.command("user")
def forget_user(user: User, config: Config = None, drop_waiting: Drop = False) -> None:
    """Take out of Redis what is kept about somebody; their tickets stay linked, without them."""
    from bot.commands.forget import forget_user as work

    work(config, user, drop=drop_waiting)


@forget_app.command("ticket")
def forget_ticket(desk: Name, number: Number, config: Config = None, drop_waiting: Drop = False) -> None:
    """Take out of Redis what is kept about a ticket, its links too; thread and ticket stay as they are."""
    from bot.commands.forget import forget_about_ticket as work

    work(config, desk, number, drop=drop_waiting)


@forget_app.command("everything")
def forget_everything(config: Config = None, drop_waiting: Drop = False) -> None:
    """Delete all that Redis holds, as after the app was taken out of its workspace. Stop Threadline first."""
    from bot.commands.forget import forget_everything as work

    work(config, drop=drop_waiting)


@export_app.command("user")
def export_user(user: User, config: Config = None) -> None:
    """Print what Redis holds about somebody as one JSON object, with the texts that wait."""
    from bot.commands.forget import export_user as work

    work(config, user)


@parked_app.command("list")
def parked_list(config: Config = None, as_json: Json = False) -> None:
    """List what waits for a person."""
    from bot.commands.parked import list_parked as work

    work(config, as_json=as_json)


@parked_app.command("show")
def parked_show(lane: Thread, op: Op, config: Config = None, as_json: Json = False) -> None:
    """Show one of them and why it waits."""
    from bot.commands.parked import show_parked as work

    work(config, lane, op, as_json=as_json)


@parked_app.command("retry")
def parked_retry(lane: Thread, op: Op, reopen: Reopen = None, config: Config = None) -> None:
    """Put it back to be tried again."""
    from bot.commands.parked import retry as work

    work(config, lane, op, reopen=reopen)


@parked_app.command("drop")
def parked_drop(lane: Thread, op: Op, config: Config = None) -> None:
    """Let it go: it will not be sent."""
    from bot.commands.parked import drop as work

    work(config, lane, op)


def _message(
    body: str, email: str, person: str, file: list[Path] | None, *, internal: bool, quiet: bool
) -> dict[str, Any]:
    return {"body": body, "email": email, "name": person, "file": file or [], "internal": internal, "quiet": quiet}


def main() -> None:
    """Run the command, whatever its output can show; one that takes no more ends it with words."""
    if sys.stdout is None:  # closed, as some who only want the exit code do
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EPIPE):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # it is flushed once more at the very end
        sys.exit(f"The output cannot be written: {error.strerror}.")
