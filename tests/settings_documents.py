"""What README.md and `.env.example` say of the settings, made from their table. `make settings` writes both."""

import re
from pathlib import Path

from supervisor.config.options import GROUPS, OPTIONS

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / ".env.example"
README = ROOT / "README.md"
TABLE = re.compile(r"^\| setting \|.*?\n(?=\n)", re.MULTILINE | re.DOTALL)
CHANGE = {
    None: "a new start",
    frozenset(): "nothing",
    frozenset({"upsert"}): "new upsert workers",
    frozenset({"backfill"}): "new backfill workers",
    frozenset({"upsert", "backfill"}): "new workers",
}


def env_example():
    """The contents of `.env.example`: every setting at its default, commented out."""
    lines = [
        "# Settings of Sluicegate. Copy this file to .env, and remove the # in front of each setting that you change.",
        "# The environment wins over .env. An empty value means the default; for METRICS_PORT and WEB_PORT: no port.",
    ]
    for group, options in GROUPS.items():
        lines += ["", f"## {group}"]
        for option in options:
            rule = "" if option.kind.expected == "text" else f" ({option.kind.expected})"
            lines += [f"# {option.help}{rule}", f"#{option.name}={option.default}"]
    return "\n".join(lines) + "\n"


def readme_table():
    """The settings as a table in Markdown."""
    lines = ["| setting | default | meaning | accepted | a change needs |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        default = f"`{option.default}`" if option.default else "unset"
        change = CHANGE[option.replaces]
        lines.append(f"| `{option.name}` | {default} | {option.help} | {option.kind.expected} | {change} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    EXAMPLE.write_text(env_example(), encoding="utf-8")
    README.write_text(TABLE.sub(lambda _old: readme_table(), README.read_text(encoding="utf-8")), encoding="utf-8")
