

# ---------------------------------------------------------------------------- copies of the program, each with its share


def copy(number, tasks, t0, channel):
    deal(number)
    try:
        t0, t1, closed, log = run(tasks, t0)
        channel.send((t1, closed, log.latency, log.error))
    except BaseException:
        channel.send(None)
        raise


def run_copies(tasks):
    """Forks the copies, deals the tasks to them in turn, and gathers what they say."""
    context = multiprocessing.get_context("fork")
    share_among_copies()
    log, t0, copies = Log(len(tasks)), now(), []
    for number in range(COPIES):
        receiver, sender = context.Pipe(False)
        process = context.Process(target=copy, args=(number, tasks[number::COPIES], t0, sender))
        process.start()
        sender.close()
        copies.append((process, receiver))
    ends = []
    for number, (process, receiver) in enumerate(copies):
        try:
            said = receiver.recv()
        except EOFError:
            said = None
        if said is None:
            raise SystemExit(f"copy {number} of the program has failed")
        t1, closed, log.latency[number::COPIES], log.error[number::COPIES] = said
        ends.append((t1, closed))
    for process, _ in copies:
        process.join()
    return t0, max(end for end, _ in ends), max(closed for _, closed in ends), log
