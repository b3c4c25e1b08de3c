"""A process that carries out the jobs of all the instances whose keys its settings have."""

from contextlib import AsyncExitStack

from deskclerk.desk.desk import Desk
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.worker import OwnWorkplace, Worker, stop_at_signals
from deskclerk.settings import Settings


async def carry_out_jobs(settings: Settings, *, until_idle: bool = False) -> None:
    """Carry jobs out until a signal ends it, or with `until_idle` until there are none left."""
    async with AsyncExitStack() as stack:
        desks: dict[str, Desk] = {}
        for own in _each(settings):
            instance = Instance.of(own).id
            if instance not in desks:
                # Whoever waits for an answer goes first: a job has time.
                desks[instance] = await stack.enter_async_context(Desk(own, yields=True))
        workplace = OwnWorkplace(settings, [desk.jobs.tools for desk in desks.values()])
        worker = Worker(workplace, until_idle=until_idle)
        stop_at_signals(worker.stop)
        await worker.work()
    worker.close()


def _each(settings: Settings) -> list[Settings]:
    """The settings of each instance: the one in force first, then those of the settings file."""
    named = [
        settings.model_copy(update={"secret_key": None, "api_url": None, "instance": name})
        for name in settings.instances
    ]
    return [settings, *named]
