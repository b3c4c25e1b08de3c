"""The sandbox's controls: what a test or a developer does to it from outside, beside Clerk's API.

Each module has one `async def …(store, given)` for each control, `given` a model that declares what it
takes; `http` lists them with their places under `/sandbox` and serves them to a running sandbox,
`deskclerk sandbox …` runs them on the database. All that they set is kept there, so either way counts for
every process.
"""
