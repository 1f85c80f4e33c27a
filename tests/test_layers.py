"""The architecture as a table: who may import whom, and where each vendor lives."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "domain": {"errors"},
    "wire": {"domain", "errors"},
    "codec": {"domain", "errors", "wire"},
    "trees": set(),
    "niceness": set(),
    "ports": {"domain", "errors"},
    "pool": {"domain", "errors", "ports", "trees", "wire"},
    "egress": {"domain", "errors", "niceness"},
    "durable": {"domain", "errors"},
    "sqlite": {"domain", "durable", "errors", "ports"},
    "mongo": {"domain", "durable", "errors", "ports"},
    "redis": {"domain", "errors", "ports"},
    "memory": {"domain", "errors", "ports"},
    "worker": {"domain", "errors", "niceness", "trees", "wire"},
    "services": {"codec", "domain", "errors", "ports", "trees"},
    "telegram": {"domain", "errors", "ports", "services"},
}
HOME_OF = {
    "pyrogram": ("userbot/telegram",),
    "yt_dlp": ("userbot/worker",),
    "av": ("userbot/worker",),
    "PIL": ("userbot/worker",),
    "numpy": ("userbot/telegram/uploader",),
    "tgcrypto": ("userbot/telegram/uploader",),
    "imageio_ffmpeg": ("userbot/worker",),
    "pydantic": (
        *("userbot/wire.py", "userbot/codec.py"),
        *("userbot/durable", "userbot/redis"),
    ),
    "idna": ("userbot/domain/hosts.py",),
    "python_socks": ("userbot/egress",),
    "aiosqlite": ("userbot/sqlite",),
    "motor": ("userbot/mongo",),
    "pymongo": ("userbot/mongo",),
    "bson": ("userbot/mongo",),
    "redis": ("userbot/redis",),
}
MODULES = sorted((ROOT / "userbot").rglob("*.py"))
APP = (ROOT / "userbot/app.py", *(ROOT / "userbot/assembly").glob("*.py"))


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "userbot":
            yield from (f"userbot.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_layers(module):
    path = module.relative_to(ROOT)
    if len(path.parts) == 2 and path.name == "__init__.py":
        assert module.read_text() == ""
        return
    layer = path.parts[1].removesuffix(".py")
    for name in imported(module):
        top, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if top == "userbot" and module not in APP:
            assert target == layer or target in MAY_IMPORT[layer], f"{path} imports {name}"
        assert top != "config" or module in APP, f"{path} imports {name}"
        homes = HOME_OF.get(top, ("userbot",))
        if module not in APP:
            assert any(path.is_relative_to(home) for home in homes), f"{path} imports {name}"


def test_the_worker_is_imported_by_nobody():
    for module in MODULES:
        if not module.is_relative_to(ROOT / "userbot/worker"):
            assert not [name for name in imported(module) if name.startswith("userbot.worker")]


def test_the_domain_is_pure():
    """Values and rules only: nothing to wait for, no clock, no input or output."""
    forbidden = {"asyncio", "time", "socket", "subprocess", "random", "secrets", "logging"}
    for module in (ROOT / "userbot/domain").glob("*.py"):
        tops = {name.partition(".")[0] for name in imported(module)}
        assert not tops & forbidden, module.name
        tree = ast.parse(module.read_text())
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_works_at_import(module):
    """Nothing at module level but definitions, constants and the guard of an entry point."""
    imports = (ast.Import, ast.ImportFrom)
    definitions = (ast.Assign, ast.AnnAssign, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    allowed = (*imports, *definitions, ast.Expr, ast.If)
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        assert isinstance(node, allowed), ast.unparse(node)
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant), ast.unparse(node)
        if isinstance(node, ast.If):
            assert ast.unparse(node.test) in ("__name__ == '__main__'", "TYPE_CHECKING")


def test_unittest_mock_is_used_nowhere():
    for module in (ROOT / "tests").rglob("*.py"):
        assert not [name for name in imported(module) if name.startswith("unittest")], module
