//! The client of a server under test: an open loop, which sends each request at its time whatever has become of those before it.
//!
//! One thread waits for the next request's time; then it lets another wait for the one after, and asks for itself. There are as many threads as
//! requests under way, and one more. Latency counts from the time that the request was meant to be sent, so that a client that is late
//! (too few cores, too many requests under way) shows in it instead of hiding what the server does (Schroeder et al., NSDI 2006;
//! Tene's "coordinated omission").

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{Builder, Scope, sleep};
use std::time::{Duration, Instant};

/// Most threads, so most requests under way at a time; what comes beyond is sent late.
const MOST_THREADS: usize = 4_000;
/// What a thread's few calls need.
const STACK: usize = 128 << 10;
/// How often a thread that waits looks whether the server is still there.
const LOOK: Duration = Duration::from_millis(100);
/// How long a read waits before the same look.
const READ: Duration = Duration::from_secs(1);
/// The longest head and body that are taken for an answer of the generated application.
const LONGEST_HEAD: usize = 64 << 10;
const LONGEST_BODY: usize = 1 << 20;
/// A request that is sent so much after its time was late.
const LATE: Duration = Duration::from_millis(5);

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// When it is sent, from the beginning.
    pub at: Duration,
    /// The path that it asks for, which is a word of HTTP's request line as it stands.
    pub path: String,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An answer with this status.
    Status(u16),
    /// The server did not take the connection.
    Refused,
    /// The connection ended, or said something else, before the answer was complete.
    Broken,
}

/// What was heard of all requests.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// For each request, in their order, its answer and how long after its time that was complete; `None` if it was not sent, because the
    /// server was over before.
    pub answers: Vec<Option<(Answer, Duration)>>,
    /// When the last of them was complete, from the beginning.
    pub last: Duration,
    /// Requests that were sent late: 5 ms or more after their time.
    pub late: usize,
    /// When each worker that says who it is had first answered, from the beginning.
    pub workers: BTreeMap<u32, Duration>,
}

/// Whom to ask, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// The server's address.
    pub address: SocketAddr,
    /// Whether connections are kept for the requests that follow; otherwise each has one of its own.
    pub keep_alive: bool,
    /// Whether workers are killed meanwhile: a kept connection that ends before the answer has ended with its worker then, and was not closed for being
    /// idle.
    pub killed: bool,
}

struct Load<'a> {
    asked: &'a [Asked],
    manner: Manner,
    over: &'a (dyn Fn() -> bool + Sync),
    begun: Instant,
    /// The request that comes next. Whoever waits for its time holds it.
    next: Mutex<usize>,
    /// Threads, and those of them that wait to hold `next`.
    threads: AtomicUsize,
    idle: AtomicUsize,
    late: AtomicUsize,
    kept: Mutex<Vec<TcpStream>>,
    answers: Vec<OnceLock<(Answer, Duration)>>,
    workers: Mutex<BTreeMap<u32, Duration>>,
}

/// Sends all requests, each at its time, and listens until the last answer is there. `over` says that no answers are to be expected any more.
pub(crate) fn load(asked: &[Asked], manner: Manner, over: &(dyn Fn() -> bool + Sync)) -> Heard {
    let load = Load {
        asked,
        manner,
        over,
        begun: Instant::now(),
        next: Mutex::new(0),
        threads: AtomicUsize::new(1),
        idle: AtomicUsize::new(0),
        late: AtomicUsize::new(0),
        kept: Mutex::new(Vec::new()),
        answers: asked.iter().map(|_| OnceLock::new()).collect(),
        workers: Mutex::new(BTreeMap::new()),
    };
    std::thread::scope(|scope| load.work(scope));
    let answers: Vec<_> = load.answers.into_iter().map(OnceLock::into_inner).collect();
    let ends = answers.iter().zip(asked);
    let last = ends.filter_map(|(answer, asked)| answer.map(|(_, took)| asked.at + took));
    Heard {
        last: last.max().unwrap_or_default(),
        answers,
        late: load.late.into_inner(),
        workers: (load.workers.into_inner()).unwrap_or_else(PoisonError::into_inner),
    }
}

impl Load<'_> {
    /// What each thread does, until there is nothing left to ask.
    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        while let Some(number) = self.next_at_its_time() {
            self.see_to_a_follower(scope);
            let asked = &self.asked[number];
            if self.begun.elapsed() >= asked.at + LATE {
                self.late.fetch_add(1, Ordering::Relaxed);
            }
            let (answer, done, left) = self.ask(&asked.path);
            // Set once: nobody else has this number.
            let _ = self.answers[number].set((answer, done.saturating_sub(asked.at)));
            self.part_from(left);
        }
    }

    /// Waits for the time of the next request; its number. `None` if there is none, or the server is over.
    fn next_at_its_time(&self) -> Option<usize> {
        self.idle.fetch_add(1, Ordering::SeqCst);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        self.idle.fetch_sub(1, Ordering::SeqCst);
        let number = *next;
        let due = self.asked.get(number)?.at;
        loop {
            if (self.over)() {
                return None;
            }
            let left = due.saturating_sub(self.begun.elapsed());
            if left.is_zero() {
                break;
            }
            sleep(left.min(LOOK));
        }
        *next = number + 1;
        Some(number)
    }

    /// Starts a thread if none is there to wait for the request that follows.
    fn see_to_a_follower<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        if self.idle.load(Ordering::SeqCst) > 0 {
            return;
        }
        if self.threads.fetch_add(1, Ordering::SeqCst) >= MOST_THREADS {
            self.threads.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        let thread = Builder::new().stack_size(STACK);
        if thread.spawn_scoped(scope, || self.work(scope)).is_err() {
            // The system has no more: those that there are go on, and are late.
            self.threads.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// One request: its answer, when that was complete, and the connection if it is still there.
    fn ask(&self, path: &str) -> (Answer, Duration, Option<(TcpStream, bool)>) {
        let kept = || {
            self.kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()
        };
        while let Some(stream) = kept() {
            if self.manner.killed && has_ended(&stream) {
                continue;
            }
            match self.exchange(stream, path) {
                // A server may close what nobody has used for a while: that says nothing of this request.
                Err(Silent::Closed) if !self.manner.killed => {}
                other => return self.told(other),
            }
        }
        match TcpStream::connect(self.manner.address) {
            Ok(stream) => {
                let told = self.exchange(stream, path);
                self.told(told)
            }
            Err(_) => (Answer::Refused, self.begun.elapsed(), None),
        }
    }

    fn told(
        &self,
        exchanged: Result<(u16, Duration, TcpStream, bool), Silent>,
    ) -> (Answer, Duration, Option<(TcpStream, bool)>) {
        match exchanged {
            Ok((status, done, stream, goes_on)) => {
                (Answer::Status(status), done, Some((stream, goes_on)))
            }
            Err(Silent::Closed | Silent::Broken) => (Answer::Broken, self.begun.elapsed(), None),
        }
    }

    /// Asks on a connection: the status, when the last byte was there, the connection, and whether it may be used again.
    fn exchange(
        &self,
        mut stream: TcpStream,
        path: &str,
    ) -> Result<(u16, Duration, TcpStream, bool), Silent> {
        let close = if self.manner.keep_alive {
            ""
        } else {
            "Connection: close\r\n"
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: pchsim\r\n{close}\r\n"
        );
        let ready = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(READ)))
            .and_then(|()| stream.write_all(request.as_bytes()));
        if ready.is_err() {
            return Err(Silent::Closed);
        }
        let mut got = Vec::with_capacity(512);
        loop {
            match parsed(&got) {
                Parsed::Complete {
                    status,
                    goes_on,
                    worker,
                } => {
                    let done = self.begun.elapsed();
                    if let Some(worker) = worker {
                        let mut workers =
                            self.workers.lock().unwrap_or_else(PoisonError::into_inner);
                        workers.entry(worker).or_insert(done);
                    }
                    return Ok((status, done, stream, goes_on && self.manner.keep_alive));
                }
                Parsed::Nonsense => return Err(Silent::Broken),
                Parsed::Partial => {}
            }
            if !self.read_on(&mut stream, &mut got)? {
                return Err(if got.is_empty() {
                    Silent::Closed
                } else {
                    Silent::Broken
                });
            }
        }
    }

    /// Reads what comes next; `false` if the other side is done.
    fn read_on(&self, stream: &mut TcpStream, got: &mut Vec<u8>) -> Result<bool, Silent> {
        let mut piece = [0; 4096];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => return Ok(false),
                Ok(n) => {
                    got.extend_from_slice(&piece[..n]);
                    return Ok(true);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if (self.over)() {
                        return Err(Silent::Broken);
                    }
                }
                Err(_) if got.is_empty() => return Err(Silent::Closed),
                Err(_) => return Err(Silent::Broken),
            }
        }
    }

    /// Keeps a connection, or waits for the server to close it, as it does after the answer.
    fn part_from(&self, left: Option<(TcpStream, bool)>) {
        let Some((mut stream, goes_on)) = left else {
            return;
        };
        if goes_on {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(stream);
            return;
        }
        let mut rest = [0; 256];
        // Whatever comes of it, nobody waits for more.
        while stream.read(&mut rest).is_ok_and(|n| n > 0) {}
    }
}

/// Whether the other side has closed a connection on which nothing is to come.
fn has_ended(stream: &TcpStream) -> bool {
    let blocks = |on: bool| stream.set_nonblocking(!on);
    let ended = blocks(false).is_err()
        || match stream.peek(&mut [0]) {
            Ok(_) => true,
            Err(e) => e.kind() != ErrorKind::WouldBlock,
        };
    ended || blocks(true).is_err()
}

/// Why there is no answer on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silent {
    /// It was closed before anything was said.
    Closed,
    /// It ended in the middle, or what was said is no answer.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parsed {
    Partial,
    Complete {
        status: u16,
        goes_on: bool,
        /// The process that has answered, where it says so.
        worker: Option<u32>,
    },
    Nonsense,
}

/// Reads as much of an answer of HTTP/1.1 as there is. The applications say the length of all that they answer.
fn parsed(got: &[u8]) -> Parsed {
    let Some(head) = got.windows(4).position(|w| w == b"\r\n\r\n") else {
        return if got.len() > LONGEST_HEAD {
            Parsed::Nonsense
        } else {
            Parsed::Partial
        };
    };
    let text = String::from_utf8_lossy(&got[..head]);
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let known = first.next().is_some_and(|v| v.starts_with("HTTP/1."));
    let status = first.next().and_then(|s| s.parse::<u16>().ok());
    let (mut length, mut goes_on, mut worker) = (None, true, None);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse::<usize>().ok();
        } else if name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close") {
            goes_on = false;
        } else if name.eq_ignore_ascii_case("x-worker") {
            worker = value.parse().ok();
        }
    }
    match (known, status, length) {
        (true, Some(status), Some(length)) if length <= LONGEST_BODY => {
            if got.len() - (head + 4) < length {
                Parsed::Partial
            } else {
                Parsed::Complete {
                    status,
                    goes_on,
                    worker,
                }
            }
        }
        _ => Parsed::Nonsense,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server of so many lines of waiting: each connection gets what `answer` says of the path and how many connections came before,
    /// request by request.
    fn served(
        answer: impl Fn(&str, usize) -> Option<String> + Send + Sync + 'static,
    ) -> (SocketAddr, std::sync::Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = std::sync::Arc::new(AtomicUsize::new(0));
        let (count, answer) = (
            std::sync::Arc::clone(&connections),
            std::sync::Arc::new(answer),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let answer = std::sync::Arc::clone(&answer);
                std::thread::spawn(move || one(stream, number, &*answer));
            }
        });
        (address, connections)
    }

    fn one(mut stream: TcpStream, number: usize, answer: &dyn Fn(&str, usize) -> Option<String>) {
        let mut got = Vec::new();
        let mut piece = [0; 1024];
        while let Ok(n) = stream.read(&mut piece) {
            got.extend_from_slice(&piece[..n]);
            if n == 0 {
                return;
            }
            if !got.ends_with(b"\r\n\r\n") {
                continue;
            }
            let text = String::from_utf8(std::mem::take(&mut got)).unwrap();
            let path = text.split(' ').nth(1).unwrap();
            let Some(said) = answer(path, number) else {
                return;
            };
            stream.write_all(said.as_bytes()).unwrap();
            if text.contains("Connection: close") || said.contains("Connection: close") {
                return;
            }
        }
    }

    fn ok(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn asked(times: &[u64]) -> Vec<Asked> {
        let one = |(i, ms): (usize, &u64)| Asked {
            at: Duration::from_millis(*ms),
            path: format!("/{i}"),
        };
        times.iter().enumerate().map(one).collect()
    }

    fn statuses(heard: &Heard) -> Vec<Option<Answer>> {
        heard.answers.iter().map(|a| a.map(|(a, _)| a)).collect()
    }

    fn manner(address: SocketAddr, keep_alive: bool) -> Manner {
        Manner {
            address,
            keep_alive,
            killed: false,
        }
    }

    const OK: Option<Answer> = Some(Answer::Status(200));

    #[test]
    fn requests_are_sent_at_their_time_whatever_becomes_of_others() {
        let (address, connections) = served(|path, _| {
            if path == "/0" {
                sleep(Duration::from_millis(400));
            }
            Some(ok("ok"))
        });
        let heard = load(&asked(&[0, 50, 100, 150]), manner(address, false), &|| {
            false
        });
        assert_eq!(statuses(&heard), [OK; 4]);
        let took: Vec<Duration> = heard.answers.iter().map(|a| a.unwrap().1).collect();
        assert!(took[0] >= Duration::from_millis(400), "{took:?}");
        // Had they waited for the first, the second would have taken 350 ms.
        assert!(
            took[1..].iter().all(|t| *t < Duration::from_millis(200)),
            "{took:?}"
        );
        assert!(heard.last >= Duration::from_millis(400));
        assert_eq!(connections.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn connections_are_kept_where_the_server_keeps_them() {
        let (address, connections) = served(|_, _| Some(ok("ok")));
        let heard = load(&asked(&[0, 60, 120, 180]), manner(address, true), &|| false);
        assert_eq!(statuses(&heard), [OK; 4]);
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }

    /// The server closes each connection after its first answer: without a word before the second, or saying so.
    #[test]
    fn a_kept_connection_that_was_closed_is_no_failure() {
        for said in ["", "Connection: close\r\n"] {
            let uses = std::sync::Arc::new(Mutex::new(Vec::new()));
            let (address, connections) = served(move |_, number| {
                let mut uses = uses.lock().unwrap();
                if uses.contains(&number) {
                    return None;
                }
                uses.push(number);
                Some(ok("ok").replace("\r\n\r\n", &format!("\r\n{said}\r\n")))
            });
            let heard = load(&asked(&[0, 60, 120]), manner(address, true), &|| false);
            assert_eq!(statuses(&heard), [OK; 3], "{said}");
            assert_eq!(connections.load(Ordering::SeqCst), 3, "{said}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told_from_answers() {
        let (address, _) = served(|path, _| match path {
            "/0" => {
                Some("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 6\r\n\r\nFailed".into())
            }
            "/1" => None,
            "/2" => Some("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into()),
            "/3" => Some("SSH-2.0-OpenSSH_9.6\r\n\r\n".into()),
            _ => Some(ok("")),
        });
        let heard = load(&asked(&[0; 5]), manner(address, false), &|| false);
        let broken = Some(Answer::Broken);
        let wanted = [Some(Answer::Status(500)), broken, broken, broken, OK];
        assert_eq!(statuses(&heard), wanted);
    }

    #[test]
    fn a_closed_port_refuses() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let heard = load(&asked(&[0, 1]), manner(address, false), &|| false);
        assert_eq!(statuses(&heard), [Some(Answer::Refused); 2]);
    }

    #[test]
    fn nothing_is_waited_for_when_the_server_is_over() {
        let (address, _) = served(|_, _| {
            sleep(Duration::from_secs(60));
            None
        });
        let begun = Instant::now();
        let over = || begun.elapsed() > Duration::from_millis(150);
        let heard = load(&asked(&[0, 60_000]), manner(address, false), &over);
        assert_eq!(statuses(&heard), [Some(Answer::Broken), None]);
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    /// Answers as they come in pieces, and heads as servers write them.
    #[test]
    fn answers_are_read_piece_by_piece() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 3\r\nX-worker: 42\r\n\r\nabc";
        for n in 0..answer.len() {
            assert_eq!(parsed(&answer[..n]), Parsed::Partial, "{n}");
        }
        let whole = Parsed::Complete {
            status: 200,
            goes_on: true,
            worker: Some(42),
        };
        assert_eq!(parsed(answer), whole);
        assert_eq!(parsed(b"HTTP/1.1 200 OK\r\n\r\n"), Parsed::Nonsense);
        assert_eq!(
            parsed(b"HTTP/1.1 two\r\nContent-Length: 1\r\n\r\nx"),
            Parsed::Nonsense
        );
        assert_eq!(parsed(&vec![b'x'; LONGEST_HEAD + 1]), Parsed::Nonsense);
    }
}
