"""One module for each row of the table of targets. Each has `async def run(workplace) -> Report`."""
