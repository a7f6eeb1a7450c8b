

# ---------------------------------------------------------------------------- the strategy: one after another


def run(tasks, t0=None):
    log = Log(len(tasks))
    t0 = t0 or now()
    for number, due, kind, draws in arrivals(t0, tasks):
        try:
            FUNCTIONS[kind](Task(draws))
            log.note(number, due)
        except (Failed, TimedOut) as error:
            log.note(number, due, error)
        answered()
    t1 = now()
    return t0, t1, t1, log
