"""Telegram's flood limits: many jobs in one chat are all delivered, and edits never overdraw."""

import dataclasses

import pytest

from tests.e2e.crowd import serve_crowd
from tests.e2e.stage import OWNER

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

CLUB = -1002147483000  # its budget of a minute is this test's alone
JOBS = 6  # as many as that budget serves without a wait; tests/benchmarks/group_flood.py has 20


async def test_jobs_of_a_group_are_all_delivered_and_edits_cause_no_flood_wait(stage):
    await stage.dc.group(CLUB, "Busy club", members=[OWNER])
    owner = dataclasses.replace(stage, user=OWNER)
    files = await serve_crowd(owner, CLUB, JOBS, timeout_s=110)
    assert len(files) == JOBS
    floods = [flood for flood in (await stage.dc.stats()).floods if flood.chat_id == CLUB]
    assert floods == []


async def test_jobs_of_one_person_are_all_delivered_without_flood_wait(stage):
    files = await serve_crowd(stage, stage.user, 3, timeout_s=110)
    assert len(files) == 3
    assert [f for f in (await stage.dc.stats()).floods if f.chat_id == stage.user] == []
