"""S4, S11, S16, S17: rules of our own that a linter does not know, read from the code's syntax trees."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = sorted(path for room in ("bot", "adapters") for path in (ROOT / room).rglob("*.py"))
SANDBOX = ROOT / "bot" / "sandbox"
FOREIGN = {"text", "body", "payload", "content", "document", "secret", "token", "password"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def calls(source):
    """Each call with the dotted name of what is called."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def clients(source):
    return [
        name for name, _ in calls(source) if name in {"httpx.AsyncClient", "httpx.Client", "httpx.get", "httpx.post"}
    ]


def careless_slack_clients(source):
    return [
        name
        for name, call in calls(source)
        if name.endswith("AsyncWebClient") and "retry_handlers" not in {given.arg for given in call.keywords}
    ]


def evals(source):
    return [name for name, _ in calls(source) if name.rpartition(".")[2] in {"eval", "evalsha", "register_script"}]


def logged(source):
    """Calls of a logger to which something is given that may hold a text or a secret."""
    found = []
    for name, call in calls(source):
        owner, _, level = name.rpartition(".")
        if level not in LEVELS or owner.rpartition(".")[2] not in {"log", "logger", "logging"}:
            continue
        given = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
        names = [node.id for value in given for node in ast.walk(value) if isinstance(node, ast.Name)]
        names += [node.attr for value in given for node in ast.walk(value) if isinstance(node, ast.Attribute)]
        shown = [node for value in call.args[:1] for node in ast.walk(value) if isinstance(node, ast.JoinedStr)]
        found += [f"{name}({bad})" for bad in sorted(FOREIGN & set(names))] + [f"{name}(f-string)" for _ in shown]
    return found


def pickles(source):
    names = {alias.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    unsafe = [name for name, _ in calls(source) if name in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"}]
    return unsafe + sorted(names & {"pickle", "marshal", "shelve", "dill"})


def found_by(rule, *, besides=()):
    """What *rule* finds in the product, by file."""
    places = [path for path in PRODUCT if str(path.relative_to(ROOT)) not in besides and SANDBOX not in path.parents]
    return {str(path.relative_to(ROOT)): found for path in places if (found := rule(path.read_text()))}


def test_http_for_desks_is_made_in_one_place_with_its_limits():
    assert {} == found_by(clients, besides={"adapters/http.py"})


def test_every_client_of_slacks_sdk_says_what_it_repeats():
    assert {} == found_by(careless_slack_clients)


def test_scripts_run_in_the_store_alone():
    rooms = {str(path.relative_to(ROOT)) for path in (ROOT / "bot" / "store").rglob("*.py")}

    assert {} == found_by(evals, besides=rooms)


def test_no_logger_is_given_a_text_a_payload_or_a_secret():
    assert {} == found_by(logged)


def test_nothing_is_unpickled():
    assert {} == found_by(pickles)


def test_each_rule_finds_what_it_is_for():
    assert ["httpx.AsyncClient"] == clients("import httpx\nhttpx.AsyncClient()")
    assert ["AsyncWebClient"] == careless_slack_clients("AsyncWebClient('x')")
    assert ["client.eval"] == evals("client.eval('return 1')")
    assert ["log.info(text)"] == logged("log.info('said %s', message.text)")
    assert ["self.log.error(f-string)"] == logged("self.log.error(f'{x}')")
    assert ["yaml.load", "pickle"] == pickles("import pickle\nyaml.load(x)")
