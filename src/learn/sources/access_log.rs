//! Access logs: the common and combined formats of Apache httpd, nginx and gunicorn, with a duration behind them where the log has one.

use std::collections::BTreeMap;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;

use super::{Routes, TaskBuilder};
use crate::learn::rows::{Problem, quoted};
use crate::learn::trace::{StepKind, Trace};

/// Lines that cannot be read are left out, up to this share.
const BROKEN: f64 = 0.2;
const SECOND: i64 = 1_000_000_000;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// One request.
struct Request<'a> {
    /// Seconds since 1970.
    second: i64,
    method: &'a str,
    target: &'a str,
    took: Took,
    /// Nanoseconds, if the last field is a number in quotes, behind referer and user agent.
    in_quotes: Option<i64>,
    /// Nanoseconds of waiting for the server behind, if the line has that.
    upstream: Option<i64>,
}

/// What a line says of the time that a request took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Took {
    /// Nanoseconds.
    Known(i64),
    /// Nothing, or a dash.
    Unknown,
    /// A negative number.
    Negative,
}

/// What a line of a log is.
enum Line<'a> {
    Request(Request<'a>),
    /// The server has logged a connection that sent no request of HTTP.
    NoRequest,
}

/// What was left out.
#[derive(Default)]
struct LeftOut {
    lines: usize,
    broken: usize,
    /// The first line that cannot be read.
    first: Option<(usize, String)>,
    no_request: usize,
    without_duration: usize,
}

impl LeftOut {
    fn broken(&mut self, line: usize, text: &str) {
        self.broken += 1;
        self.first.get_or_insert_with(|| (line, text.to_owned()));
    }
}

/// Whether a line is one of an access log: it has a time in square brackets, and a request in quotes, whatever that is.
pub(super) fn is_line(line: &str) -> bool {
    parse(line).is_some()
}

pub(super) fn read(text: &str) -> Result<Trace, Problem> {
    let mut left_out = LeftOut::default();
    let requests = requests(text, &mut left_out);
    if let Some((line, text)) = &left_out.first
        && left_out.broken as f64 > BROKEN * left_out.lines as f64
    {
        return Err(Problem::new(format!(
            "line {line} is no line of an access log: {}",
            quoted(text)
        ))
        .help("expected is the common or combined format: host, user, [time], \"request\", status, bytes, and a duration behind"));
    }
    if requests.is_empty() {
        return Err(
            Problem::new("the access log has no request with a method and a path")
                .help("a line has its request in quotes: \"GET /offers/17 HTTP/1.1\""),
        );
    }
    let mut builder = TaskBuilder::default();
    let mut routes = Routes::default();
    let timed = requests.iter().any(|r| matches!(r.took, Took::Known(_)));
    let starts = within_seconds(&requests);
    for (request, start) in requests.iter().zip(starts) {
        let whole = match request.took {
            Took::Known(whole) => whole,
            // It is not known to have taken no time.
            Took::Unknown | Took::Negative if timed => {
                left_out.without_duration += 1;
                continue;
            }
            Took::Unknown | Took::Negative => 0,
        };
        let upstream = request.upstream.unwrap_or(0).min(whole);
        // What the server itself took comes after what it asked for.
        let mut steps = vec![(StepKind::Io, start, start.saturating_add(whole))];
        if upstream > 0 && upstream < whole {
            let turn = start.saturating_add(upstream);
            steps = vec![
                (StepKind::Io, start, turn),
                (StepKind::Io, turn, start.saturating_add(whole)),
            ];
        }
        builder.task(&routes.class(request.method, request.target), &steps)?;
    }
    notes(&mut builder, timed, &left_out);
    if let Some(note) = routes.note() {
        builder.note(note);
    }
    Ok(builder.trace)
}

/// The requests of a log.
fn requests<'a>(text: &'a str, left_out: &mut LeftOut) -> Vec<Request<'a>> {
    let mut requests = Vec::new();
    for (i, line) in text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
    {
        left_out.lines += 1;
        match parse(line) {
            Some(Line::Request(r)) if r.took == Took::Negative => left_out.broken(i + 1, line),
            Some(Line::Request(r)) => requests.push(r),
            Some(Line::NoRequest) => left_out.no_request += 1,
            None => left_out.broken(i + 1, line),
        }
    }
    // A client may send a number in a header that is logged, but most clients do not.
    let in_quotes = requests.iter().filter(|r| r.in_quotes.is_some()).count();
    let bare = requests.iter().any(|r| matches!(r.took, Took::Known(_)));
    if !bare && in_quotes as f64 >= (1.0 - BROKEN) * requests.len() as f64 {
        for request in &mut requests {
            request.took = request.in_quotes.map_or(Took::Unknown, Took::Known);
        }
    }
    requests
}

fn notes(builder: &mut TaskBuilder, timed: bool, left_out: &LeftOut) {
    builder.note("an access log has whole seconds: within a second requests are placed at random (fixed seed)");
    if timed {
        builder.note(
            "an access log does not say which part of a duration is computing or waiting in line: all of it is Io. Write what the \
             handlers compute as Cpu, or record the program itself",
        );
    } else {
        builder.note(
            "the log has no durations (%D of Apache, $request_time of nginx): only the arrivals are learnt, and the steps take no time. \
             Write what a request does",
        );
    }
    let lines = left_out.lines;
    if left_out.without_duration > 0 {
        builder.note(format!(
            "{} of {lines} lines of the log have no duration, while others have one: they are left out, as tasks and as arrivals",
            left_out.without_duration
        ));
    }
    if left_out.no_request > 0 {
        builder.note(format!(
            "{} of {lines} lines of the log hold no request of HTTP (a client that sent nothing, or something else): they are left out",
            left_out.no_request
        ));
    }
    if left_out.broken > 0 {
        builder.note(format!(
            "{} of {lines} lines of the log could not be read",
            left_out.broken
        ));
    }
}

/// The starts of the requests in nanoseconds: the log's times are whole seconds, so each is placed at random in its own.
fn within_seconds(requests: &[Request<'_>]) -> Vec<i64> {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let mut of_second: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (i, r) in requests.iter().enumerate() {
        of_second.entry(r.second).or_default().push(i);
    }
    let first = of_second.keys().next().copied().unwrap_or(0);
    let mut starts = vec![0; requests.len()];
    for (second, members) in of_second {
        let mut places: Vec<i64> = members
            .iter()
            .map(|_| rng.random_range(0..SECOND))
            .collect();
        places.sort_unstable();
        let base = second.saturating_sub(first).saturating_mul(SECOND);
        for (i, place) in members.into_iter().zip(places) {
            starts[i] = base.saturating_add(place);
        }
    }
    starts
}

fn parse(line: &str) -> Option<Line<'_>> {
    let (_, rest) = line.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    let second = seconds(time)?;
    let fields = fields(rest)?;
    let is_request = |f: &Field<'_>| matches!(f, Field::Quoted(_));
    let place = fields.iter().position(is_request)?;
    let Field::Quoted(request) = fields[place] else {
        return None;
    };
    let mut words = request.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Some(Line::NoRequest);
    };
    let named = !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic());
    if !named || !target.starts_with(['/', '*', 'h']) {
        return Some(Line::NoRequest);
    }
    let behind = &fields[place + 1..];
    let (took, upstream) = durations(behind);
    Some(Line::Request(Request {
        second,
        method,
        target,
        took,
        in_quotes: in_quotes(behind),
        upstream,
    }))
}

/// A field of a line. What clients send stands in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field<'a> {
    Bare(&'a str),
    /// Without the quotes, with the escapes as they are.
    Quoted(&'a str),
    /// `key=value` or `key="value"`.
    Named(&'a str, &'a str),
}

/// The fields of a part of a line; `None` where quotes do not match, so that nobody can say what a client has sent. A quote within a
/// field is `\"` (Apache, gunicorn) or `\x22` (nginx).
fn fields(text: &str) -> Option<Vec<Field<'_>>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (field, behind) = if let Some(inner) = rest.strip_prefix('"') {
            let (value, behind) = inner.split_at_checked(closing(inner)?)?;
            (Field::Quoted(value), &behind[1..])
        } else {
            bare(rest)?
        };
        out.push(field);
        // A quote closes a field only where the field ends.
        let next = behind.trim_start_matches([',', ';']).trim_start();
        if next.len() == behind.len() && !behind.is_empty() {
            return None;
        }
        rest = next;
    }
    Some(out)
}

/// A field that does not begin with a quote, and what is behind it.
fn bare(text: &str) -> Option<(Field<'_>, &str)> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, behind) = text.split_at(end);
    let Some((key, value)) = word.split_once('=') else {
        return (!word.contains('"')).then_some((Field::Bare(word), behind));
    };
    if key.contains('"') {
        return None;
    }
    if value.starts_with('"') {
        let inner = &text[key.len() + 2..];
        let (value, behind) = inner.split_at(closing(inner)?);
        return Some((Field::Named(key, value), &behind[1..]));
    }
    let value = value.trim_end_matches([',', ';']);
    (!value.contains('"')).then_some((Field::Named(key, value), behind))
}

/// The place of the quote that closes a field.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })
}

/// The duration and that of the server behind, from what follows the request: status, bytes, quoted texts, numbers.
fn durations(behind: &[Field<'_>]) -> (Took, Option<i64>) {
    let (mut duration, mut upstream) = (Took::Unknown, None);
    let mut bare = Vec::new();
    for field in behind {
        match field {
            Field::Bare(word) => bare.push(*word),
            Field::Named("rt" | "request_time" | "duration" | "D", value) => {
                if duration == Took::Unknown {
                    duration = took(value);
                }
            }
            Field::Named("urt" | "upstream_response_time", value) => {
                upstream = upstream.or(time(value));
            }
            Field::Quoted(_) | Field::Named(..) => {}
        }
    }
    // Status and bytes come first.
    let mut times = bare
        .iter()
        .skip(2)
        .map(|w| took(w))
        .filter(|t| *t != Took::Unknown);
    if duration == Took::Unknown {
        duration = times.next().unwrap_or(Took::Unknown);
    }
    let rest = times.find_map(|t| match t {
        Took::Known(nanos) => Some(nanos),
        Took::Unknown | Took::Negative => None,
    });
    (duration, upstream.or(rest))
}

/// The number in quotes that ends a line. Two texts in quotes are referer and user agent; two numbers could be either.
fn in_quotes(behind: &[Field<'_>]) -> Option<i64> {
    let texts = behind.iter().filter(|f| matches!(f, Field::Quoted(_)));
    if texts.count() < 3 {
        return None;
    }
    let number = |f: &Field<'_>| match f {
        Field::Quoted(text) => time(text),
        Field::Bare(_) | Field::Named(..) => None,
    };
    let (last, before) = behind.split_last()?;
    number(last).filter(|_| before.last().and_then(number).is_none())
}

fn took(word: &str) -> Took {
    match (time(word), word.strip_prefix('-').and_then(time)) {
        (Some(nanos), _) => Took::Known(nanos),
        (None, Some(_)) => Took::Negative,
        (None, None) => Took::Unknown,
    }
}

/// A duration in nanoseconds: seconds with a point (nginx), else microseconds (`%D`).
fn time(word: &str) -> Option<i64> {
    if word.is_empty() || !word.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    if word.contains('.') {
        let seconds: f64 = word.parse().ok()?;
        return Some(super::nanos(seconds));
    }
    let micros: i64 = word.parse().ok()?;
    Some(super::nanos(micros as f64 / 1e6))
}

/// `10/Oct/2000:13:55:36 -0700` as seconds since 1970.
fn seconds(time: &str) -> Option<i64> {
    let (clock, zone) = time.split_once(' ').unwrap_or((time, "+0000"));
    let mut parts = clock.splitn(4, ['/', ':']);
    let day: i64 = parts
        .next()?
        .parse()
        .ok()
        .filter(|d| (1..=31).contains(d))?;
    let name = parts.next()?;
    let month = i64::try_from(MONTHS.iter().position(|m| *m == name)?).ok()? + 1;
    let year: i64 = parts
        .next()?
        .parse()
        .ok()
        .filter(|y| (1970..=9999).contains(y))?;
    let mut of_day = parts.next()?.split(':');
    let mut next = |most: i64| -> Option<i64> {
        of_day
            .next()?
            .parse()
            .ok()
            .filter(|n| (0..=most).contains(n))
    };
    let (hour, minute, second) = (next(23)?, next(59)?, next(60)?);
    let zone: i64 = zone.parse().ok().filter(|z: &i64| z.abs() <= 2400)?;
    let offset = (zone / 100 * 60 + zone % 100) * 60;
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Days since 1970 of a date of the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_logs() {
        assert_eq!(seconds("10/Oct/2000:13:55:36 -0700"), Some(971_211_336));
        assert_eq!(seconds("01/Jan/1970:00:00:00 +0000"), Some(0));
        assert_eq!(seconds("29/Feb/2024:23:59:59 +0100"), Some(1_709_247_599));
        for bad in [
            "",
            "32/Oct/2000:00:00:00 +0000",
            "10/Okt/2000:00:00:00 +0000",
            "10/Oct/2000",
            "x",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_of_logs() {
        let of = |tail: &str| durations(&fields(tail).unwrap());
        let known = |nanos: i64| Took::Known(nanos);
        assert_eq!(of(" 200 2326"), (Took::Unknown, None));
        assert_eq!(
            of(" 200 2326 \"ref\" \"agent 7 0.5\" 12345"),
            (known(12_345_000), None)
        );
        assert_eq!(
            of(" 200 2326 \"-\" \"-\" 0.250 0.200"),
            (known(250_000_000), Some(200_000_000))
        );
        assert_eq!(
            of(" 200 2326 \"-\" \"-\" rt=0.250 urt=\"0.200\""),
            (known(250_000_000), Some(200_000_000))
        );
        assert_eq!(
            of(" 200 - \"-\" \"-\" rt=1.5, urt=0.5"),
            (known(1_500_000_000), Some(500_000_000))
        );
        assert_eq!(of(" 200 5 \"rt=7\" \"D=8\" -"), (Took::Unknown, None));
        assert_eq!(of(" 200 5 \"-\" \"-\" -40000"), (Took::Negative, None));
        assert_eq!(of(" 200 5 rt=-0.5"), (Took::Negative, None));
        assert_eq!(of(" 200 5 \"-\" \"-\" 0.250 -"), (known(250_000_000), None));
    }

    /// What a client sends is one field, with quotes in it or not; where quotes do not match, the line is not read.
    #[test]
    fn clients_cannot_set_durations() {
        let begin = "::1 - - [10/Oct/2025:13:00:00 +0000]";
        for tail in [
            r#""GET /q?s=\"x\" HTTP/1.1" 200 512 "-" "m" 40000"#,
            r#""GET /q?s=\x22 7 7 7\x22 HTTP/1.1" 200 512 "-" "m" 40000"#,
            r#""GET / HTTP/1.1" 200 512 "http://a/\"b" "m" 40000"#,
            r#""GET / HTTP/1.1" 200 512 "-" "Moz \" 77 \"x" 40000"#,
            r#""GET / HTTP/1.1" 200 512 "-" "rt=7 D=8 \\" 40000"#,
            r#""GET / HTTP/1.1" 200 512 "-" "7" 40000"#,
        ] {
            let line = format!("{begin} {tail}");
            let Some(Line::Request(r)) = parse(&line) else {
                panic!("{line}");
            };
            assert_eq!(
                (r.took, r.upstream),
                (Took::Known(40_000_000), None),
                "{line}"
            );
        }
        for tail in [
            r#""GET / HTTP/1.1" 200 512 "-" "a\" 40000"#,
            r#""GET / HTTP/1.1" 200 512 "-" "a\\" 77 \"x" 40000"#,
            r#""GET / HTTP/1.1" 200 512 "-" "a" 77"x" 40000"#,
            r#""GET / HTTP/1.1" 200 512 "-" "a"77 "x" 40000"#,
        ] {
            let line = format!("{begin} {tail}");
            assert!(parse(&line).is_none(), "{line}");
        }
        let none = |tail: &str| matches!(parse(&format!("{begin} {tail}")), Some(Line::NoRequest));
        assert!(none(r#""\x16\x03\x01\x00" 400 150 "-" "-" 0.012"#));
        assert!(none(r#""-" 408 0 "-" "-" 0.000"#) && none(r#""" 400 0"#));
    }

    #[test]
    fn numbers_in_quotes() {
        let of = |tail: &str| in_quotes(&fields(tail).unwrap());
        assert_eq!(of(r#" 200 5 "-" "m" "0.053""#), Some(53_000_000));
        // A user agent, two numbers, and a number that is not the last field.
        assert_eq!(of(r#" 200 5 "-" "0.053""#), None);
        assert_eq!(of(r#" 200 5 "-" "m" "0.053" "0.050""#), None);
        assert_eq!(of(r#" 200 5 "-" "m" "0.053" x"#), None);
    }
}
