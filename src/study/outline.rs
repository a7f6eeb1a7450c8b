//! A scenario as a list of its values, each with its place, so that it can be said what two scenarios differ in.
//!
//! It is made of the canonical text ([`Scenario::write_canonical`]) while that is written: a long trace never stands in memory.

use std::fmt::{self, Write};

use super::fingerprint::Fnv;
use crate::scenario::Scenario;

/// Lists with more items stand by their length and a hash.
const MOST: usize = 64;

/// A value and its place, as in `("workload.tasks[0].steps[1].time", "8000000")`.
pub type Valued = (String, String);

/// The values of a scenario in the order of its canonical text: times in ns, sizes in bytes. Two scenarios with the same values are the
/// same, but for what long lists hold, of which there is a hash.
#[must_use]
pub fn outline(scenario: &Scenario) -> Vec<Valued> {
    let mut outline = OutlineParser::default();
    // It takes any text: there is nothing to fail.
    let _ = scenario.write_canonical(&mut outline);
    outline.values
}

/// Takes canonical text, sign by sign.
#[derive(Default)]
struct OutlineParser {
    values: Vec<Valued>,
    /// Whether the first line, which says whose text it is, is over.
    begun: bool,
    /// The fields of the scenario itself.
    whole: Bracket,
    /// The brackets that are open within it, outermost first.
    open: Vec<Bracket>,
    /// What is read of a value, or of a name before a colon.
    word: String,
    /// Bytes of a quoted text that are still to come.
    quoted: usize,
}

/// What stands within brackets.
#[derive(Default)]
struct Bracket {
    place: String,
    list: bool,
    /// The name of the item that comes next, where it has one.
    name: String,
    items: usize,
    /// Whether an item has items itself.
    deep: bool,
    /// How many values there were before it.
    before: usize,
    hash: Fnv,
}

impl Bracket {
    /// Where the item that comes next stands.
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

    /// Whether all that comes is part of a list that is too long to be kept.
    fn too_long(&self) -> bool {
        self.open.iter().any(|b| b.list && b.items >= MOST)
    }

    fn keep(&mut self, place: String, value: String) {
        if !self.too_long() {
            self.values.push((place, value));
        }
    }

    /// The word that was read, if any, is a value.
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
            // Its length stands before a text, and a quotation mark after it as well.
            '"' => match self.word.parse::<usize>() {
                Ok(length) if !self.word.starts_with('"') => {
                    self.word = "\"".to_owned();
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
        // What stands after it is kept.
        assert_eq!(of(&[("seed", "7")]).last().unwrap().1, "7");
    }
}
