

async def body(function, task):
    await function(task)
