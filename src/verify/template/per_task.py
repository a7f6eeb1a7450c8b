

# ---------------------------------------------------------------------------- the strategy: a thread for every task


def run(tasks, t0=None):
    log, threads, mistakes = Log(len(tasks)), [], []

    def body(number, due, kind, draws):
        try:
            FUNCTIONS[kind](Task(draws))
            log.note(number, due)
        except (Failed, TimedOut) as error:
            log.note(number, due, error)
        except BaseException as error:
            mistakes.append(error)
        answered()

    t0 = t0 or now()
    for number, due, kind, draws in arrivals(t0, tasks):
        thread = threading.Thread(target=body, args=(number, due, kind, draws))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    if mistakes:
        raise mistakes[0]
    t1 = now()
    return t0, t1, t1, log
