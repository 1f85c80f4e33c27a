"""What an owner reads about a job that failed, raw errors included."""

import html

from userbot.domain.records import JobRecord
from userbot.telegram.figures import cut
from userbot.telegram.messages import Presser

MAX_NAME_UNITS = 100
MAX_LINK_UNITS = 1000
MAX_DETAIL_UNITS = 1500


def report(record: JobRecord, presser: Presser) -> str:
    """Return who asks for help with which link, and everything that is known of its end."""
    job = record.job
    lines = [
        f"<b>A link did not work:</b> {html.escape(cut(job.url, MAX_LINK_UNITS))}",
        f"Asked by: {_person(presser)}",
        f"Where: {_place(presser)}",
        f"Error: <code>{html.escape(record.error or '')}</code>, job <code>{job.id}</code>",
    ]
    if detail := _detail(record):
        lines.append(f"<pre>{html.escape(detail)}</pre>")
    return "\n".join(lines)


def _person(presser: Presser) -> str:
    url = f"tg://user?id={presser.user_id}"
    if presser.username:
        url = f"https://t.me/{presser.username}"
    name = html.escape(cut(presser.name or str(presser.user_id), MAX_NAME_UNITS))
    return f'<a href="{html.escape(url)}">{name}</a> (<code>{presser.user_id}</code>)'


def _place(presser: Presser) -> str:
    if not presser.is_group:
        return "in private"
    title = html.escape(cut(presser.chat_title, MAX_NAME_UNITS))
    return f"{title} (<code>{presser.chat_id}</code>)"


def _detail(record: JobRecord) -> str:
    """Return what the site or a tool said, and the numbers that an error carries."""
    told = [str(value) for value in record.error_args if value is not None]
    return cut("\n".join(told).strip(), MAX_DETAIL_UNITS)
