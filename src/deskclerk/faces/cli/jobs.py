"""stub"""
import asyncio
import click
from deskclerk.faces.cli.state import State, json_option
@click.group()
def jobs(): pass
@jobs.command()
@click.option("--until-idle", is_flag=True)
@click.pass_context
def work(ctx, until_idle):
    from deskclerk.desk.working import carry_out_jobs
    asyncio.run(carry_out_jobs(ctx.ensure_object(State).settings(), until_idle=until_idle))
