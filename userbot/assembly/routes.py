"""Who answers what Telegram tells."""

import time
from dataclasses import dataclass

from config.sections import Settings
from userbot.assembly.parts import Bot
from userbot.services.access import OwnerCode
from userbot.telegram import router
from userbot.telegram.handlers.buttons import ButtonHandler, Presses
from userbot.telegram.handlers.commands import CommandHandler
from userbot.telegram.handlers.decisions import OwnerCommands
from userbot.telegram.handlers.history import Again, Histories, Means
from userbot.telegram.handlers.links import LinkHandler, LinkRules
from userbot.telegram.handlers.mydata import Documents, MyData
from userbot.telegram.handlers.own import OwnCommands, OwnPresses, Stats
from userbot.telegram.handlers.pace import Pace
from userbot.telegram.handlers.presses import EndedJobPresses, OpenJobPresses
from userbot.telegram.handlers.queue import Lists, QueueHandler
from userbot.telegram.handlers.reports import Reports
from userbot.telegram.handlers.rights import Rights
from userbot.telegram.handlers.settings import PersonalSettings
from userbot.telegram.handlers.strangers import Strangers


def route(settings: Settings, bot: Bot, code: OwnerCode) -> None:
    """Connect what Telegram tells with who answers it."""
    api, access, errands = bot.api, bot.access, bot.errands
    pace = Pace(api, access, bot.allowance, bot.quota)
    api.moves.tell(access.moved)
    strangers = Strangers(api, access)
    lists = Lists(api, access, bot.jobs, bot.reporter.latest, bot.board)
    own = _own(bot, strangers)
    rules = LinkRules(settings.net.egress_allow, settings.work.max_links)
    handlers = router.Handlers(
        CommandHandler(api, access, strangers, code, errands),
        QueueHandler(strangers, lists),
        LinkHandler(api, strangers, pace, bot.intake, errands, rules),
        _buttons(bot, pace, lists, own),
        OwnCommands(
            *(strangers, errands, own.histories, own.data, own.settings),
            Stats(api, access, bot.usage_reports),
        ),
        OwnerCommands(api, access, strangers, errands, bot.decisions, bot.quota),
    )
    router.register(bot.client, pace, handlers)


@dataclass(frozen=True, slots=True)
class _Own:
    """What people see of themselves."""

    histories: Histories
    data: MyData
    settings: PersonalSettings


def _own(bot: Bot, strangers: Strangers) -> _Own:
    api, access, errands = bot.api, bot.access, bot.errands
    means = Means(bot.kit.chat, bot.past, bot.jobs, bot.quota)
    documents = Documents(api, bot.uploads, bot.kit.folders)
    return _Own(
        Histories(api, strangers, access, Again(api, means, access, errands), errands),
        MyData(api, access, strangers, bot.accounts, documents, errands),
        PersonalSettings(api, bot.accounts, errands),
    )


def _buttons(bot: Bot, pace: Pace, lists: Lists, own: _Own) -> ButtonHandler:
    api, access, jobs = bot.api, bot.access, bot.jobs
    rights = Rights(api, access)
    presses = Presses(
        OpenJobPresses(rights, jobs, bot.offers, bot.queue),
        EndedJobPresses(rights, jobs, Reports(api, access, time.monotonic)),
        OwnPresses(own.histories, own.data, own.settings),
    )
    return ButtonHandler(api, bot.errands, pace, rights, presses, lists)
