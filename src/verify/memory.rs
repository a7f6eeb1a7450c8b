//! The parts of a generated program for memory: what touching it takes, working memory, and results that are kept.

/// The code of `cpu` where touching memory is counted: taken off what steps ask for.
pub(super) fn touched(text: &str) -> String {
    let asked = "wanted = ms / 1e3";
    let out = text
        .replace(DEMAND, &format!("_less({DEMAND})"))
        .replace(asked, "wanted = _less(ms / 1e3)");
    out.replace(
        CPU,
        &format!("{}{CPU}", include_str!("template/touched.py")),
    )
    .replace(PAYLOAD, "")
}

/// What a `cpu` asks for.
pub(super) const DEMAND: &str = "ms * CPU_FACTOR / 1e3";

/// The function before which touching memory is counted.
const CPU: &str = "def cpu(ms):\n";

/// The end of a task that made its data by itself.
pub(super) const LETS_GO: &str = "
    def __del__(self):
        \"\"\"Giving memory back takes CPU time as well.\"\"\"
        start = cpu_now()
        self.result = self.kept = None
        _spent_since(start)
";

/// The payload whose touching nobody counts.
const PAYLOAD: &str = "def payload(size):
    \"\"\"So many bytes that have really been written.\"\"\"
    return b\"\\x01\" * size


";

/// The code of an offloading program whose steps hold memory. `before`: the method before which its own stands.
pub(super) fn holding(text: &str, before: &str) -> String {
    text.replace(READ, &format!("{HELD}{READ}"))
        .replace(before, &format!("{HOLD}{before}"))
}

/// The step of an offloading program before which those that hold memory stand.
const READ: &str = "            elif step == \"read\":\n";

/// Working memory is taken and given back by the worker.
const HELD: &str = "            elif step == \"hold\":
                held.append(working_memory(*amount))
            elif step == \"drop\":
                let_go(held)
";

const HOLD: &str = "    @contextlib.contextmanager
    def hold(self, size, churn=0.0):
        self.steps.append((\"hold\", (size, churn)))
        yield
        self.steps.append((\"drop\", None))

";

/// The code of a strategy where the program keeps the results of a batch.
pub(super) fn keeping(text: &str) -> String {
    let (begin, made, done) = (
        "        due = now()\n        for ",
        "Task(draws)",
        "        futures.discard(future)\n",
    );
    let used = "RESULTS.clear()  # It has made use of them.\n";
    let kept = text
        .replace(begin, &format!("        {used}{begin}"))
        .replace(LOOP_SERIAL, &format!("{LOOP_SERIAL}        {used}"))
        .replace(made, &format!("kept({made})"))
        .replace(done, &format!("        RESULTS.append(future)\n{done}"));
    let needs = kept.contains(&format!("kept({made})"));
    let function = if needs { KEPT } else { "" };
    if needs || kept.contains("RESULTS") {
        format!("\n\nRESULTS = []  # Of a batch, until all are there.\n{function}{kept}")
    } else {
        kept
    }
}

/// What an event loop does by itself before each round.
const LOOP_SERIAL: &str = "        await body(serial, Task(own))\n";

/// A task whose result the program keeps.
const KEPT: &str = "

def kept(task):
    RESULTS.append(task.result)
    return task
";
