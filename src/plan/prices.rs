//! What machines cost: a list of prices, read from a file, and amounts of money as people write them.

use serde::{Deserialize, Serialize};

use crate::scenario::units::{self, format_size, number, split_number};
use crate::scenario::{Bytes, limits};

/// Hours of a month, as providers count: a twelfth of a year of 365 days.
pub const HOURS_OF_A_MONTH: f64 = 730.0;

/// The list that is used where no other is given.
const EXAMPLE: &str = include_str!("example-prices.ron");

/// What can be rented, and for how much.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceList {
    /// The currency of every price, as three letters.
    pub currency: String,
    /// When the prices were so.
    pub date: String,
    /// Whose prices they are.
    pub source: String,
    /// Whether it is the example that the program brings along.
    pub example: bool,
    /// The machines that it names.
    pub machines: Vec<MachineType>,
    /// What machines that it does not name cost a month, for each CPU and for each GiB; `None` where it does not say.
    pub parts: Option<(f64, f64)>,
}

/// A machine that can be rented, or a replica of so many CPUs and so much memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineType {
    /// Its name.
    pub name: String,
    /// Number of its CPUs, at least 1.
    pub cpus: u32,
    /// Its memory.
    pub memory_bytes: Bytes,
    /// What it costs a month, in the currency of the list.
    pub price_per_month: f64,
}

/// What is wrong with a list of prices, with its place in the file where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", place(*.at))]
pub struct PriceError {
    /// The file.
    pub file: String,
    /// Line and column, from 1.
    pub at: Option<(usize, usize)>,
    /// What is wrong, what was expected, and what to do.
    pub message: String,
}

fn place(at: Option<(usize, usize)>) -> String {
    at.map_or(String::new(), |(line, column)| format!(":{line}:{column}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenList {
    currency: String,
    date: String,
    source: String,
    #[serde(default)]
    machines: Vec<WrittenMachine>,
    cpu: Option<String>,
    gib: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMachine {
    name: String,
    cpus: u32,
    memory: String,
    price: String,
}

impl PriceList {
    /// The example that the program brings along.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn example() -> Self {
        let list = Self::read(EXAMPLE, "example-prices.ron").expect("the program's own list");
        Self {
            example: true,
            ..list
        }
    }

    /// The text of the example, to copy and to change.
    #[must_use]
    pub fn example_text() -> &'static str {
        EXAMPLE
    }

    /// Reads a list from its text.
    ///
    /// # Errors
    /// It is no list, or one of its values is none: where, and what was expected.
    pub fn read(text: &str, file: &str) -> Result<Self, PriceError> {
        let error = |at, message: String| PriceError {
            file: file.to_owned(),
            at,
            message,
        };
        let options = ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let list: WrittenList = options.from_str(text).map_err(|e| {
            let at = (e.span.start.line, e.span.start.col);
            let help = "a list of prices has currency, date, source, machines: [(name, cpus, memory, price)], and cpu and gib for other machines";
            error(Some(at), format!("{}; {help}", e.code))
        })?;
        let of = |value: &str, message: String| error(place_of(text, value), message);
        if list.currency.trim().is_empty() || list.currency.contains(|c: char| c.is_whitespace()) {
            return Err(of(
                &list.currency,
                format!(
                    "the currency \"{}\" is no word: write \"EUR\"",
                    list.currency
                ),
            ));
        }
        let amount = |value: &String| {
            let read = Amount::read(value).and_then(|a| a.in_currency(&list.currency));
            read.map_err(|message| of(value, message))
        };
        let mut machines = Vec::new();
        for m in &list.machines {
            let memory = units::size(&m.memory).map_err(|e| of(&m.memory, words(&e)))?;
            let machine = MachineType {
                name: m.name.clone(),
                cpus: m.cpus,
                memory_bytes: memory,
                price_per_month: amount(&m.price)?,
            };
            machine.check().map_err(|message| of(&m.name, message))?;
            if machines
                .iter()
                .any(|known: &MachineType| known.name == m.name)
            {
                let message = format!(
                    "there are two machines \"{}\": give each a name of its own",
                    m.name
                );
                return Err(of(&m.name, message));
            }
            if machine.price_per_month <= 0.0 {
                let message = format!(
                    "the machine \"{}\" costs nothing, so that no number of it would be too many: say what it is worth",
                    m.name
                );
                return Err(of(&m.price, message));
            }
            machines.push(machine);
        }
        let parts = match (&list.cpu, &list.gib) {
            (Some(cpu), Some(gib)) => Some((amount(cpu)?, amount(gib)?)),
            (None, None) => None,
            _ => {
                let message = "`cpu` and `gib` go together: what a machine that is not listed costs for each CPU, and for each GiB";
                return Err(error(None, message.into()));
            }
        };
        Ok(Self {
            currency: list.currency,
            date: list.date,
            source: list.source,
            example: false,
            machines,
            parts,
        })
    }

    /// The machines that a text such as `4cpu/8GiB,8cpu/16GiB` names, with what they cost by this list.
    ///
    /// # Errors
    /// The text, or a part of it, names no machine, or the list has no price for it.
    pub fn of_sizes(&self, text: &str) -> Result<Vec<MachineType>, String> {
        let mut all = Vec::new();
        for part in text.split(',') {
            let machine = self.of_size(part.trim())?;
            if !all.contains(&machine) {
                all.push(machine);
            }
        }
        Ok(all)
    }

    fn of_size(&self, text: &str) -> Result<MachineType, String> {
        let named = self.machines.iter().find(|m| m.name == text);
        if let Some(known) = named {
            return Ok(known.clone());
        }
        let expected = || {
            let names: Vec<&str> = self.machines.iter().map(|m| &*m.name).collect();
            let listed = if names.is_empty() {
                String::new()
            } else {
                format!(", or a name of the list of prices ({})", names.join(", "))
            };
            format!("\"{text}\" is no machine: write CPUs and memory, such as 4cpu/8GiB{listed}")
        };
        let (cpus, memory) = text.split_once('/').ok_or_else(expected)?;
        let (digits, unit) = split_number(cpus.trim());
        let cpus = number(digits).ok_or_else(expected)?;
        if !["cpu", "cpus", "vcpu", "vcpus"].contains(&&*unit.trim().to_lowercase()) {
            return Err(expected());
        }
        if cpus.fract() != 0.0 || !(1.0..=f64::from(limits::MAX_CORES)).contains(&cpus) {
            return Err(format!(
                "\"{text}\" has {cpus} CPUs: a machine has a whole number of them, from 1 to {}",
                limits::MAX_CORES
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        let cpus = cpus as u32;
        let memory = units::size(memory).map_err(|e| words(&e))?;
        let same = |m: &&MachineType| m.cpus == cpus && m.memory_bytes == memory;
        if let Some(known) = self.machines.iter().find(same) {
            return Ok(known.clone());
        }
        let Some((cpu, gib)) = self.parts else {
            return Err(format!(
                "the list of prices has no price for \"{text}\": add it, or `cpu` and `gib` for machines that are not listed"
            ));
        };
        let machine = MachineType {
            name: format!("{cpus}cpu/{}", format_size(memory)),
            cpus,
            memory_bytes: memory,
            price_per_month: cpu * f64::from(cpus) + gib * memory as f64 / f64::from(1 << 30),
        };
        machine.check()?;
        Ok(machine)
    }
}

impl MachineType {
    fn check(&self) -> Result<(), String> {
        let Self { name, cpus, .. } = self;
        if name.trim().is_empty() || name.contains(char::is_control) {
            return Err(format!(
                "{name:?} is no name of a machine: write one in a line"
            ));
        }
        if !(1..=limits::MAX_CORES).contains(cpus) {
            return Err(format!(
                "the machine \"{name}\" has {cpus} CPUs: it needs 1 to {}",
                limits::MAX_CORES
            ));
        }
        if self.memory_bytes == 0 {
            return Err(format!("the machine \"{name}\" has no memory"));
        }
        Ok(())
    }
}

/// Line and column of the first place where a text stands in quotes.
fn place_of(text: &str, value: &str) -> Option<(usize, usize)> {
    let at = text.find(&format!("\"{value}\""))?;
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    Some((line, column))
}

fn words(e: &units::UnitError) -> String {
    match e {
        units::UnitError::Unit(text)
        | units::UnitError::Range(text)
        | units::UnitError::Limit(_, text) => format!("{text}; write a size such as 8GiB"),
    }
}

/// An amount of money for a time: `300 EUR/month`.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// So much a month.
    pub per_month: f64,
    /// Of this currency.
    pub currency: String,
}

impl Amount {
    /// Reads it.
    ///
    /// # Errors
    /// A part of it is missing: what, and an example.
    pub fn read(text: &str) -> Result<Self, String> {
        const LIKE: &str =
            "write an amount, a currency and a time: \"300 EUR/month\" (hour, day, month or year)";
        let (digits, rest) = split_number(text.trim());
        let Some(amount) = number(digits) else {
            return Err(format!("\"{text}\" begins with no number; {LIKE}"));
        };
        if !amount.is_finite() || amount < 0.0 {
            let why = if amount < 0.0 {
                "negative"
            } else {
                "more than can be counted"
            };
            return Err(format!("\"{text}\" is no price: it is {why}; {LIKE}"));
        }
        let rest = rest.trim();
        if rest.is_empty() {
            return Err(format!("\"{text}\" has no unit; {LIKE}"));
        }
        let Some((currency, time)) = rest.split_once('/') else {
            return Err(format!("\"{text}\" does not say for which time; {LIKE}"));
        };
        let currency = currency.trim();
        if currency.is_empty()
            || currency.contains(|c: char| c.is_whitespace() || c.is_ascii_digit())
        {
            return Err(format!("\"{text}\" names no currency; {LIKE}"));
        }
        let hours = match time.trim() {
            "hour" | "h" => 1.0,
            "day" | "d" => 24.0,
            "month" => HOURS_OF_A_MONTH,
            "year" => 12.0 * HOURS_OF_A_MONTH,
            other => {
                return Err(format!(
                    "`{other}` in \"{text}\" is no time of prices; {LIKE}"
                ));
            }
        };
        Ok(Self {
            per_month: amount * HOURS_OF_A_MONTH / hours,
            currency: currency.to_owned(),
        })
    }

    /// The amount a month, if it is of that currency: nothing is converted.
    ///
    /// # Errors
    /// It is of another one.
    pub fn in_currency(&self, currency: &str) -> Result<f64, String> {
        if self.currency == currency {
            return Ok(self.per_month);
        }
        Err(format!(
            "{} is not the currency of the prices, which is {currency}: nothing is converted",
            self.currency
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_their_units() {
        let of = |text: &str| Amount::read(text).unwrap();
        assert_eq!(of("300 EUR/month").per_month, 300.0);
        assert_eq!(of("0.1USD/hour").per_month, 73.0);
        assert_eq!(of("120 CHF / year").per_month, 10.0);
        assert_eq!(of("1 EUR/day").currency, "EUR");
        for bad in [
            "",
            "EUR/month",
            "300",
            "300 EUR",
            "300/month",
            "-1 EUR/month",
            "3 EUR/week",
        ] {
            let e = Amount::read(bad).unwrap_err();
            assert!(e.contains("300 EUR/month"), "{bad}: {e}");
        }
        assert!(
            of("1 USD/day")
                .in_currency("EUR")
                .unwrap_err()
                .contains("EUR")
        );
    }

    #[test]
    fn the_example_is_a_list_and_prices_other_machines() {
        let list = PriceList::example();
        assert!(list.example && list.machines.len() >= 4);
        let two = list.of_sizes("2cpu/4GiB, 3cpu/6GiB,2 vCPU").unwrap();
        assert_eq!(two.len(), 2);
        assert_eq!((&*two[0].name, two[0].price_per_month), ("2 vCPU", 30.0));
        assert_eq!(two[1].price_per_month, 45.0);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (bad, says) in [
            ("0cpu/4GiB", "0 CPUs"),
            ("1.5cpu/4GiB", "whole number"),
            ("4cpu/0", "no memory"),
            ("4/8GiB", "no machine"),
            ("4cpu/8", "unit"),
            ("", "no machine"),
        ] {
            let e = PriceList::example().of_sizes(bad).unwrap_err();
            assert!(e.contains(says), "{bad}: {e}");
        }
        let text = EXAMPLE.replace("60 EUR/month", "60");
        let e = PriceList::read(&text, "my.ron").unwrap_err();
        assert_eq!(e.at.unwrap().0, 11, "{e}");
        assert!(e.to_string().starts_with("my.ron:11:"), "{e}");
        let text = EXAMPLE.replace("cpus: 4", "cpus: 0");
        assert!(
            PriceList::read(&text, "x")
                .unwrap_err()
                .message
                .contains("0 CPUs")
        );
        let text = EXAMPLE.replace("60 EUR", "60 USD");
        assert!(
            PriceList::read(&text, "x")
                .unwrap_err()
                .message
                .contains("converted")
        );
        assert!(PriceList::read("(", "x").is_err());
    }
}
