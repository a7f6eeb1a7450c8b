//! Outlines: a scenario as a list of its values, each with its place, so that the differences of two scenarios can be named.
//!
//! An outline is made from the canonical text ([`Scenario::write_canonical`]) while that is written, so that a long trace is never in
//! memory as text.

use std::fmt::{self, Write};

use super::fingerprint::Fnv;
use crate::scenario::Scenario;

/// Most items of a list that are kept one by one; a longer list is represented by its length and a hash.
const MOST: usize = 64;

/// A place and its value, as in `("workload.tasks[0].steps[1].time", "8000000")`.
pub(crate) type Valued = (String, String);

/// The values of a scenario in the order of its canonical text, times in ns, sizes in bytes. Two scenarios with the same values are the
/// same, up to the contents of long lists, for which there is a hash.
#[must_use]
pub(crate) fn outline(scenario: &Scenario) -> Vec<Valued> {
    let mut outline = OutlineParser::default();
    // The outline takes any text, so writing cannot fail.
    let _ = scenario.write_canonical(&mut outline);
    outline.values
}

/// Parses canonical text, character by character.
#[derive(Default)]
struct OutlineParser {
    values: Vec<Valued>,
    /// Whether the first line, which identifies the text, is over.
    begun: bool,
    /// The fields of the scenario itself.
    whole: Bracket,
    /// The open brackets within it, outermost first.
    open: Vec<Bracket>,
    /// What has been read of a value, or of a name before a colon.
    word: String,
    /// Bytes of a quoted text that are still to come.
    quoted: usize,
}

/// The contents of a pair of brackets.
#[derive(Default)]
struct Bracket {
    place: String,
    list: bool,
    /// Name of the next item, if it has one.
    name: String,
    items: usize,
    /// Whether an item has items itself.
    deep: bool,
    /// Number of values before the bracket.
    before: usize,
    hash: Fnv,
}

impl Bracket {
    /// Place of the next item.
    fn next(&self) -> String {
        match (self.name.as_str(), self.place.as_str()) {
            ("", place) => format!("{place}[{}]", self.items),
            (name, "") => name.to_owned(),
            (name, place) => format!("{place}.{name}"),
        }
    }
}

impl OutlineParser {
    fn within(&mut self) -> &mut Bracket {
        self.open.last_mut().unwrap_or(&mut self.whole)
    }

    /// Whether everything that comes belongs to a list that is too long to be kept.
    fn too_long(&self) -> bool {
        self.open.iter().any(|b| b.list && b.items >= MOST)
    }

    fn keep(&mut self, place: String, value: String) {
        if !self.too_long() {
            self.values.push((place, value));
        }
    }

    /// Ends the word that has been read; if there is one, it is a value.
    fn value(&mut self) {
        let word = std::mem::take(&mut self.word);
        if !word.is_empty() {
            let place = self.within().next();
            self.keep(place, word);
        }
    }

    fn open(&mut self, list: bool) {
        // The name of a variant is a value, too.
        let place = self.within().next();
        let word = std::mem::take(&mut self.word);
        if !word.is_empty() {
            self.keep(place.clone(), word);
        }
        self.within().deep = true;
        let before = self.values.len();
        self.open.push(Bracket {
            place,
            list,
            before,
            ..Bracket::default()
        });
    }

    fn close(&mut self) {
        self.value();
        let Some(b) = self.open.pop() else {
            return;
        };
        if !b.list || self.too_long() {
            return;
        }
        if b.items > MOST {
            self.values.truncate(b.before);
            let of = format!("{} values, {}", b.items, b.hash.name());
            self.values.push((b.place, of));
        } else if !b.deep {
            let all: Vec<String> = self.values.drain(b.before..).map(|(_, v)| v).collect();
            self.values.push((b.place, format!("[{}]", all.join(", "))));
        }
    }

    fn take(&mut self, c: char) {
        if self.quoted > 0 {
            self.word.push(c);
            self.quoted = self.quoted.saturating_sub(c.len_utf8());
            return;
        }
        match c {
            '\n' if !self.begun => {
                self.begun = true;
                self.word.clear();
            }
            // A text is preceded by its length, and followed by another quotation mark.
            '"' => match self.word.parse::<usize>() {
                Ok(length) if !self.word.starts_with('"') => {
                    "\"".clone_into(&mut self.word);
                    self.quoted = length;
                }
                _ => self.word.push('"'),
            },
            ':' => {
                let name = std::mem::take(&mut self.word);
                self.within().name = name;
            }
            '(' => self.open(false),
            '[' => self.open(true),
            ')' | ']' => self.close(),
            ',' => {
                self.value();
                let within = self.within();
                within.items += 1;
                within.name.clear();
            }
            other => self.word.push(other),
        }
    }
}

impl Write for OutlineParser {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            for b in self.open.iter_mut().filter(|b| b.list) {
                b.hash.write_char(c)?;
            }
            self.take(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;
    use std::path::Path;

    fn of(set: &[(&str, &str)]) -> Vec<Valued> {
        let text = r#"(schema: 1, name: "a, (b) [c]: \"d\" é", machine: (wake_latency: [("20us", "7us")]),
            workload: (arrivals: Batch, locks: {"l": ()}, tasks: [
                (name: "one", count: 3, steps: [Cpu("1ms"), Lock("l", [Io(Exponential("2ms"))])]),
            ]), strategies: ["threads:4"])"#;
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(p, v)| ((*p).into(), (*v).into()))
            .collect();
        outline(&parse(text, Path::new("it.ron"), &set).unwrap())
    }

    #[test]
    fn every_value_has_its_place() {
        let found = of(&[]);
        let found: Vec<(&str, &str)> = found.iter().map(|(p, v)| (&**p, &**v)).collect();
        assert_eq!(
            found,
            [
                ("name", "\"a, (b) [c]: \"d\" é\""),
                ("machine.speeds", "[1, 1, 1, 1]"),
                ("machine.wake_latency[0][0]", "20000"),
                ("machine.wake_latency[0][1]", "7000"),
                ("machine.given", "[wake_latency]"),
                ("interpreters", "[\"cpython-3.14\", \"cpython-3.14t\"]"),
                ("workload.arrivals", "Batch"),
                ("workload.tasks[0].name", "\"one\""),
                ("workload.tasks[0].count", "3"),
                ("workload.tasks[0].steps[0]", "Cpu"),
                ("workload.tasks[0].steps[0].time", "1000000"),
                ("workload.tasks[0].steps[1]", "Lock"),
                ("workload.tasks[0].steps[1].lock", "\"l\""),
                ("workload.tasks[0].steps[1].steps[0]", "Io"),
                ("workload.tasks[0].steps[1].steps[0].time", "Exponential"),
                ("workload.tasks[0].steps[1].steps[0].time.mean", "2000000"),
                ("workload.locks[0].name", "\"l\""),
                ("strategies[0].strategy", "\"threads:4\""),
                ("objectives", "[]"),
                ("seed", "1"),
            ]
        );
    }

    #[test]
    fn long_lists_stand_by_a_hash() {
        let values = |n: usize, last: &str| {
            let mut all = vec!["\"1ms\""; n - 1];
            all.push(last);
            let dist = format!("Empirical([{}])", all.join(", "));
            let found = of(&[("workload.tasks[0].steps[0]", &format!("Io({dist})"))]);
            let place = "workload.tasks[0].steps[0].time.values";
            let of_list: Vec<Valued> = (found.into_iter())
                .filter(|(p, _)| p.starts_with(place))
                .collect();
            assert_eq!(of_list.len(), 1, "{of_list:?}");
            of_list[0].1.clone()
        };
        assert!(values(MOST, "\"2ms\"").ends_with("1000000, 2000000]"));
        let long = values(MOST + 1, "\"2ms\"");
        assert!(long.starts_with("65 values, "), "{long}");
        assert_ne!(long, values(MOST + 1, "\"3ms\""));
        // Values after the list are kept.
        assert_eq!(of(&[("seed", "7")]).last().unwrap().1, "7");
    }
}
