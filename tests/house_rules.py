"""The rules of the house as functions: each reads one parsed file and answers its findings, (line, sentence).

test_house.py runs them over the whole tree, and over small sources that break them.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

Finding = tuple[int, str]

LONGEST_FUNCTION, LONGEST_FILE = 60, 400
BANNED_NAMES = re.compile(r"^_?(services?|utils?|helpers?|common|managers?|actions?|misc)(_\w+)?$")
OURS = ("app", "models", "scripts", "tests", "wechat", "wsgi")
FLASK = ("flask", "flask_openapi3", "werkzeug")
FLASK_PLACES = ("app/__init__.py", "app/api/", "app/console/", "wechat/box/", "wsgi.py", "tests/", "scripts/")
PURE_NAMES = ("rules.py", "modes.py", "pricing.py", "money.py")
PURE_MODULES = {
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "math",
    "operator",
    "re",
    "string",
    "types",
    "typing",
    "unicodedata",
    "zoneinfo",
}
# Facts that rules compare, defined where they arrive; plain frozen values.
PURE_OURS = re.compile(
    r"^(models(\.\w+)*|app\.base\.(money|numbers|errors|clock)|app\.\w+\.(rules|modes|pricing|words)|wechat\.(events|pay))$"
)
CLOCKS = ("utc_now", "now", "today", "utcnow", "time")
ROOMS_PLACE = re.compile(r"^app/(?!api/|console/)\w+/")
MACHINE_PATH = re.compile(
    r"(?<![\w.:/*])/(?:" + "|".join(["hom" + "e", "roo" + "t", "wor" + "k", "User" + "s"]) + r")/\w"
)
MUTED = re.compile(r"#\s*(type:\s*ignore(\[[^\]]*\])?|noqa(:\s*[A-Z0-9, ]+)?)\s*$")
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")


@dataclass(frozen=True)
class File:
    """One Python file: its path from the top (posix), its text and its parsed tree."""

    path: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, path: str, text: str) -> "File":
        """Parse `text` as the file at `path`."""
        return cls(path, text, ast.parse(text))

    def under(self, *places: str) -> bool:
        """Tell whether it is one of `places`; a place that ends with a slash is a folder."""
        return any(
            self.path == place or (place.endswith("/") and self.path.startswith(place)) for place in places
        )


Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[File], Iterator[Finding]]


def imports(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Answer (line, module, name) of every import; name is empty for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                (node.lineno, "." * node.level + (node.module or ""), alias.name) for alias in node.names
            )


def functions(tree: ast.AST) -> Iterator[Function]:
    """Answer every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def top(module: str) -> str:
    """Answer the first part of a dotted name."""
    return module.partition(".")[0]


def is_migration(file: File) -> bool:
    """Tell whether `file` is a revision: long lists of tables, written once."""
    return file.under("migrations/versions/")


def sizes(file: File) -> Iterator[Finding]:
    """Files and functions that no longer fit on a few screens."""
    if is_migration(file):
        return
    lines = file.text.count("\n")
    if lines > LONGEST_FILE:
        yield 1, f"{lines} lines; a file has at most {LONGEST_FILE}: split it by decision"
    for function in functions(file.tree):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > LONGEST_FUNCTION:
            yield (
                function.lineno,
                f"{function.name} has {length} lines; a function has at most {LONGEST_FUNCTION}",
            )


def names(file: File) -> Iterator[Finding]:
    """Files named for nothing in particular."""
    for part in PurePosixPath(file.path).with_suffix("").parts:
        if BANNED_NAMES.match(part):
            yield 1, f"'{part}' says nothing: name a file for its decision or its verb"


def docstrings(file: File) -> Iterator[Finding]:
    """Public functions, methods and classes, and modules, that do not say what they promise."""
    if not file.under("app/", "models/", "wechat/", "scripts/", "gunicorn.conf.py", "wsgi.py"):
        return
    if ast.get_docstring(file.tree) is None:
        yield 1, "the module has no docstring"
    for node in _public(file.tree):
        missing = ast.get_docstring(node) is None
        # A table says what it is once; a plain enum's members carry the comments.
        if missing and not (isinstance(node, ast.ClassDef) and _is_str_enum(node)):
            yield node.lineno, f"{node.name} is public and has no docstring"


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            # The methods of a Protocol are told by its docstring; who implements them keeps the promise.
            if isinstance(node, ast.ClassDef) and not any(_word(base) == "Protocol" for base in node.bases):
                yield from _public(node)


def lazy_imports(file: File) -> Iterator[Finding]:
    """Imports of ours inside a function: a circle in disguise."""
    for function in functions(file.tree):
        for line, module, _ in imports(function):
            if top(module) in OURS or module.startswith("."):
                yield line, f"{module} is imported inside {function.name}: a circle in disguise"


def libraries(file: File) -> Iterator[Finding]:
    """Flask, SQLAlchemy and wechatpy where they do not belong."""
    for line, module, _ in imports(file.tree):
        name = top(module)
        if name in FLASK and not file.under(*FLASK_PLACES):
            yield line, f"{name} belongs into app/__init__.py, app/api and wechat/box"
        if name == "sqlalchemy" and file.under("wechat/"):
            yield line, "sqlalchemy never in wechat/"
        # The benchmark measures us beside it; nothing of the house hangs on that file.
        if name == "wechatpy" and not file.under("wechat/", "tests/", "scripts/bench_peers.py"):
            yield line, "wechatpy only in wechat/"
        if name in OURS and name != "wechat" and file.under("wechat/"):
            yield line, f"wechat/ knows nothing of {name}"
        if name in OURS and name != "models" and file.under("models/"):
            yield line, f"models/ knows nothing of {name}"
        if name in OURS and file.under("migrations/"):
            yield line, "a migration outlives the code it was written beside: it imports nothing of ours"


def purity(file: File) -> Iterator[Finding]:
    """Rules, prices and money that reach for something outside their arguments."""
    if PurePosixPath(file.path).name not in PURE_NAMES or not file.under("app/"):
        return
    for line, module, name in imports(file.tree):
        if not (top(module) in PURE_MODULES or PURE_OURS.match(module)):
            yield line, f"{module} is not for a pure module"
        elif name in CLOCKS:
            yield line, f"{name} is a clock: `now` is passed in"
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            owner = _word(node.value)
            if owner in ("datetime", "date", "time"):
                yield node.lineno, f"{owner}.{node.attr} is a clock: `now` is passed in"


def signatures(file: File) -> Iterator[Finding]:
    """Steps and flows whose first argument does not say so, and steps that commit or phone."""
    if not ROOMS_PLACE.match(file.path) or file.under("app/base/"):
        return
    for function in functions(file.tree):
        arguments = [*function.args.posonlyargs, *function.args.args]
        names = [one.arg for one in arguments if one.arg not in ("self", "cls")]
        everything = names + [one.arg for one in function.args.kwonlyargs]
        if {"session", "tx"} <= set(everything):
            yield function.lineno, f"{function.name} takes both session and tx: it is a step or a flow"
        for word in ("session", "tx"):
            if word in everything and names[:1] != [word]:
                yield function.lineno, f"{function.name} takes {word}, so {word} comes first"
        if "session" in names:
            yield from _step_faults(function)


def _step_faults(function: Function) -> Iterator[Finding]:
    for node in ast.walk(function):
        ends = isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback")
        if ends and _word(node.value) == "session":
            yield node.lineno, f"{function.name} joins a transaction: it never calls session.{node.attr}"
    for argument in [*function.args.args, *function.args.kwonlyargs]:
        kind = ast.unparse(argument.annotation) if argument.annotation else ""
        if kind in ("Pay", "OfficialAccount", "MiniProgram", "WeChat"):
            yield argument.lineno, f"{function.name} joins a transaction and must not phone ({kind})"


def money(file: File) -> Iterator[Finding]:
    """Floats near money and rates, and times or sizes of the wrong kind."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield from _kind_fault(node.lineno, node.target.id, node.annotation)
        elif isinstance(node, ast.arg) and node.annotation:
            yield from _kind_fault(node.lineno, node.arg, node.annotation)
        elif isinstance(node, Function) and node.returns:
            yield from _kind_fault(node.lineno, node.name, node.returns)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            sides = [word for word in map(_word, (node.left, node.right)) if word.endswith(("_fen", "_bp"))]
            if sides and not file.under("scripts/bench", "tests/"):
                yield node.lineno, f"{sides[0]} is divided with /, which makes a float; use // or money.py"
        elif isinstance(node, ast.Call) and _word(node.func) == "float":
            yield from ((node.lineno, "float() of money") for one in node.args if _word(one).endswith("_fen"))


def _word(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _kind_fault(line: int, name: str, annotation: ast.expr) -> Iterator[Finding]:
    kinds = set(re.findall(r"\w+", ast.unparse(annotation)))
    if name.endswith(("_fen", "_bp")) and "float" in kinds:
        yield line, f"{name} is a float; money and rates are int"
    if name.endswith("_at") and kinds & {"float", "int"} and "datetime" not in kinds:
        yield line, f"{name} is a number; a moment is an aware datetime"


def states(file: File) -> Iterator[Finding]:
    """Members of a StrEnum without a comment that says what they mean."""
    if not file.under("app/", "models/", "wechat/"):
        return
    lines = file.text.splitlines()
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ClassDef) and _is_str_enum(node):
            for member in node.body:
                if isinstance(member, ast.Assign) and not _has_comment(lines, member):
                    yield member.lineno, f"{node.name}.{_word(member.targets[0])} has no comment"


def _is_str_enum(node: ast.ClassDef) -> bool:
    return any(_word(base) == "StrEnum" for base in node.bases)


def _has_comment(lines: list[str], member: ast.Assign) -> bool:
    beside = (
        lines[member.lineno - 1][member.end_col_offset or 0 :] if member.end_lineno == member.lineno else ""
    )
    above = lines[member.lineno - 2].strip() if member.lineno > 1 else ""
    return "#" in beside or above.startswith("#")


def honesty(file: File) -> Iterator[Finding]:
    """What hides a fault: checks muted without a reason, unfinished work, errors swallowed whole."""
    for number, line in enumerate(file.text.splitlines(), 1):
        if MUTED.search(line):
            yield number, "a check is muted without a reason beside it"
        if found := UNFINISHED.search(line):
            yield number, f"{found.group()}: finish it or leave it out"
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ExceptHandler) and _swallows(node):
            yield node.lineno, "an error of any kind is swallowed"


def _swallows(handler: ast.ExceptHandler) -> bool:
    any_kind = handler.type is None or _word(handler.type) in ("Exception", "BaseException")
    return any_kind and all(isinstance(one, ast.Pass | ast.Continue) for one in handler.body)


def real_tests(file: File) -> Iterator[Finding]:
    """Tests that do not run, or that run something else than our code."""
    if not file.under("tests/"):
        return
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "skipif", "xfail", "importorskip"):
            yield node.lineno, f"{node.attr}: a test runs or is deleted"
        if isinstance(node, ast.Attribute) and node.attr == "setattr" and _word(node.value) == "monkeypatch":
            yield node.lineno, "monkeypatch.setattr: tests run the real code"
    for line, module, _ in imports(file.tree):
        if module == "unittest.mock":
            yield line, "unittest.mock: tests run the real code"


def places(file: File) -> Iterator[Finding]:
    """Paths of one machine."""
    for number, line in enumerate(file.text.splitlines(), 1):
        if found := MACHINE_PATH.search(line):
            yield number, f"{found.group()}...: a path of one machine"


RULES: tuple[Rule, ...] = (
    sizes,
    names,
    docstrings,
    lazy_imports,
    libraries,
    purity,
    signatures,
    money,
    states,
    honesty,
    real_tests,
    places,
)
