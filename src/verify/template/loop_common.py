

async def all_of(coroutines):
    """Runs coroutines side by side until all are done."""
    if sys.version_info >= (3, 11):
        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(coroutine)
    else:
        await asyncio.gather(*coroutines)
