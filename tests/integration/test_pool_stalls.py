"""Whatever stands still, drips or never ends is ended from outside, and nobody of it is left."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest
import pytest_asyncio

from tests import video_site
from tests.integration.trouble import MIB, STALL_S, ScriptedFfmpeg, Troubled, troubled
from tests.video_site import VideoSite
from userbot import errors
from userbot.domain.jobs import Progress, Stage
from userbot.domain.media import MediaKind

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(request: pytest.FixtureRequest) -> AsyncIterator[VideoSite]:
    async with video_site.running(request.config.cache.mkdir("video_site")) as site:
        yield site


@pytest.fixture(scope="module")
def ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedFfmpeg]:
    bin_dir = tmp_path_factory.mktemp("tools") / "bin"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{bin_dir}:/usr/bin:/bin")
        yield ScriptedFfmpeg(bin_dir)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def patient(
    site: VideoSite, ffmpeg: ScriptedFfmpeg, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Troubled]:
    root = tmp_path_factory.mktemp("stalls")
    async with troubled(site, root, limit_bytes=40 * MIB) as bot:
        yield bot


@pytest.fixture
def bot(patient: Troubled, ffmpeg: ScriptedFfmpeg) -> Troubled:
    ffmpeg.does(ffmpeg.HONEST)
    return patient


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hasty(
    site: VideoSite, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Troubled]:
    root = tmp_path_factory.mktemp("hasty")
    async with troubled(site, root, extract_deadline_s=1.0, download_deadline_s=2.0) as bot:
        yield bot


@pytest.mark.parametrize("name", ["dripping_page", "stuck"])
async def test_a_page_that_does_not_come_ends_at_the_deadline(hasty, name):
    error = await hasty.end_of(name)
    assert isinstance(error, errors.DeadlineError)
    assert error.limit_s == 1.0


async def test_what_never_ends_and_comes_slowly_ends_at_the_deadline(hasty):
    error = await hasty.end_of("endless", rate=100_000)
    assert isinstance(error, errors.DeadlineError)
    assert error.limit_s == 2.0


@pytest.mark.parametrize("name", ["stalled", "dripping"])
async def test_a_file_that_stops_coming_or_drips_is_a_stall(bot, name):
    error = await bot.end_of(name)
    assert isinstance(error, errors.StallError)
    assert error.limit_s == STALL_S


@pytest.mark.parametrize("name", ["hls_muxed", "dash"])
async def test_so_is_a_segment(bot, name):
    error = await bot.end_of(name, **{"media.drip_after": 20_000})
    assert isinstance(error, errors.StallError)


@pytest.mark.parametrize("name", ["medium", "hls_muxed", "dash"])
async def test_slow_but_steady_is_no_stall(bot, name):
    """Three times as long as a stall takes, at 50 KiB/s; a segment has a fourth of it."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3 * STALL_S):
            await bot.get(name, rate=50 * 1024 if name == "medium" else 12 * 1024)
    await bot.nobody_is_left()


@pytest.mark.parametrize("name", ["endless", "endless_segment", "repeating"])
async def test_what_never_ends_is_too_large(bot, name):
    error = await bot.end_of(name)
    assert isinstance(error, errors.TooLargeError)
    assert error.limit_bytes == 40 * MIB


async def test_a_playlist_that_never_ends_is_no_video(bot):
    with pytest.raises(errors.NoVideoError):
        await bot.extract("endless_playlist")


@pytest.mark.parametrize("name", ["live", "live_dash"])
async def test_a_live_stream_is_refused(bot, name):
    with pytest.raises(errors.LiveError):
        await bot.extract(name)


async def test_a_film_that_became_a_live_stream_ends_too(bot):
    made = await bot.get("opening")
    assert made.duration_s < 10


TALKS = "while :; do printf 'total_size=1000\\nprogress=continue\\n'; sleep 0.1; done"
FIFO = 'sleep 600 | "$FFMPEG" -f mpegts -i pipe:0 "$@"'
WAITS = "exec sleep 600"


@pytest.mark.parametrize(
    ("name", "kind", "stage"),
    [
        ("dash", MediaKind.VIDEO, Stage.MERGE),
        ("webm", MediaKind.VIDEO, Stage.CONVERT),
        ("moov_at_end", MediaKind.VIDEO, Stage.FINISH),
        ("webm", MediaKind.AUDIO, Stage.CONVERT),
    ],
)
async def test_an_ffmpeg_that_does_nothing_is_a_stall(bot, ffmpeg, name, kind, stage):
    ffmpeg.does(WAITS)
    assert await stage_of_stall(bot, name, kind) is stage


@pytest.mark.parametrize("script", [FIFO, TALKS])
async def test_an_ffmpeg_that_makes_nothing_is_a_stall(bot, ffmpeg, script):
    ffmpeg.does(script)
    assert await stage_of_stall(bot, "dash", MediaKind.VIDEO) is Stage.MERGE


async def test_a_worker_that_is_stopped_is_a_stall(bot):
    def stop(progress: Progress) -> None:
        if progress.stage is Stage.FINISH:
            for guard in psutil.Process(bot.pool.fork_server_pid).children():
                for worker in guard.children():
                    worker.suspend()

    error = await bot.end_of("moov_at_end", on_progress=stop)
    assert isinstance(error, errors.ToolStuckError)


async def stage_of_stall(bot: Troubled, name: str, kind: MediaKind) -> Stage:
    seen: list[Progress] = []
    error = await bot.end_of(name, kind=kind, on_progress=seen.append)
    assert isinstance(error, errors.StallError)
    return seen[-1].stage


async def test_an_ffmpeg_that_never_ends_is_too_large(bot, ffmpeg):
    ffmpeg.does('exec "$FFMPEG" -stream_loop -1 "$@"')
    assert isinstance(await bot.end_of("dash"), errors.TooLargeError)


async def test_an_ffmpeg_that_is_slow_is_no_stall(bot, ffmpeg):
    """It reads ten seconds of film in five, three times as long as a stall takes."""
    ffmpeg.does('exec "$FFMPEG" -readrate 2 "$@"')
    assert (await bot.get("moov_at_end")).is_streamable
