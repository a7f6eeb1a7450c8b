

_walked = 0


def walk(share):
    """Looks at this share of what stands for your modules: a forked process gets its own copy of their pages, once."""
    global _walked
    if share > _walked:
        _walked = share
        for each in {module}.objects[: round(share * len({module}.objects))]:
            for _ in each:
                pass
