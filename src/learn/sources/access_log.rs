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
    /// Nanoseconds, if the line has a duration.
    duration: Option<i64>,
    /// Nanoseconds of waiting for the server behind, if the line has that.
    upstream: Option<i64>,
}

/// Whether a line is one of an access log: it has a time in square brackets.
pub(super) fn is_line(line: &str) -> bool {
    parse(line).is_some()
}

pub(super) fn read(text: &str) -> Result<Trace, Problem> {
    let mut routes = Routes::default();
    let (mut requests, mut broken, mut lines) = (Vec::new(), 0_usize, 0_usize);
    let mut worst = None;
    for (i, line) in text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
    {
        lines += 1;
        if let Some(r) = parse(line) {
            requests.push((routes.class(r.method, r.target), r));
        } else {
            broken += 1;
            worst.get_or_insert((i + 1, line));
        }
    }
    if let Some((line, text)) = worst
        && broken as f64 > BROKEN * lines as f64
    {
        return Err(Problem::new(format!(
            "line {line} is no line of an access log: {}",
            quoted(text)
        ))
        .help("expected is the common or combined format: host, user, [time], \"request\", status, bytes, and a duration behind"));
    }
    let mut builder = TaskBuilder::default();
    let timed = requests.iter().any(|(_, r)| r.duration.is_some());
    let starts = within_seconds(&requests);
    for ((class, request), start) in requests.iter().zip(starts) {
        let whole = request.duration.unwrap_or(0);
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
        builder.task(class, &steps)?;
    }
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
    if broken > 0 {
        builder.note(format!(
            "{broken} of {lines} lines of the log could not be read"
        ));
    }
    Ok(builder.trace)
}

/// The starts of the requests in nanoseconds: the log's times are whole seconds, so each is placed at random in its own.
fn within_seconds(requests: &[(String, Request<'_>)]) -> Vec<i64> {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let mut of_second: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (i, (_, r)) in requests.iter().enumerate() {
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

fn parse(line: &str) -> Option<Request<'_>> {
    let (_, rest) = line.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    let second = seconds(time)?;
    let (_, rest) = rest.split_once('"')?;
    let (request, rest) = rest.split_once('"')?;
    let mut words = request.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let named = !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic());
    if !named || !target.starts_with(['/', '*', 'h']) {
        return None;
    }
    let (duration, upstream) = durations(rest);
    Some(Request {
        second,
        method,
        target,
        duration,
        upstream,
    })
}

/// The duration and that of the server behind, from what follows the request: status, bytes, quoted texts, numbers.
fn durations(rest: &str) -> (Option<i64>, Option<i64>) {
    let (mut duration, mut upstream) = (None, None);
    let mut bare = Vec::new();
    for (i, part) in rest.split('"').enumerate() {
        let quoted = i % 2 == 1;
        for word in part.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) => {
                    let value = time(value.trim_end_matches([',', ';']));
                    match key {
                        "rt" | "request_time" | "duration" | "D" => duration = duration.or(value),
                        "urt" | "upstream_response_time" => upstream = upstream.or(value),
                        _ => {}
                    }
                }
                None if !quoted => bare.push(word),
                None => {}
            }
        }
    }
    // Status and bytes come first.
    let mut times = bare.iter().skip(2).filter_map(|w| time(w));
    (
        duration.or_else(|| times.next()),
        upstream.or_else(|| times.next()),
    )
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
        let of = |tail: &str| durations(tail);
        assert_eq!(of(" 200 2326"), (None, None));
        assert_eq!(
            of(" 200 2326 \"ref\" \"agent 7 0.5\" 12345"),
            (Some(12_345_000), None)
        );
        assert_eq!(
            of(" 200 2326 \"-\" \"-\" 0.250 0.200"),
            (Some(250_000_000), Some(200_000_000))
        );
        assert_eq!(
            of(" 200 2326 \"-\" \"-\" rt=0.250 urt=\"0.200\""),
            (Some(250_000_000), None)
        );
        assert_eq!(
            of(" 200 - \"-\" \"-\" rt=1.5 urt=0.5"),
            (Some(1_500_000_000), Some(500_000_000))
        );
    }
}
