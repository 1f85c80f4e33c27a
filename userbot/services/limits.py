"""How much and how long, per job."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`job_timeout_s` is for all the steps of a job together; `uploads` go at the same time."""

    size_bytes: int
    job_timeout_s: float
    uploads: int
