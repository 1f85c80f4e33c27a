"""What both databases keep of a job itself, which never changes."""

from userbot.domain.jobs import Job
from userbot.durable.values import clean


def job_values(job: Job) -> dict[str, object]:
    """Return what is kept of a job, beside its id."""
    request = job.request
    return {
        "chat_id": request.chat_id,
        "message_id": request.message_id,
        "user_id": request.user_id,
        "is_group": request.is_group,
        "topic_id": request.topic_id,
        "url": clean(job.url),
    }
