//! Sentences that contain names, which are marked as such where that is possible.

/// A text that contains names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words(pub Vec<Word>);

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Plain text.
    Text(String),
    /// A name (of a strategy, say).
    Name(String),
}

impl Words {
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Word::Text(text.into()));
        self
    }

    pub(crate) fn name(mut self, name: impl Into<String>) -> Self {
        self.0.push(Word::Name(name.into()));
        self
    }

    /// Adds a list of at most four names in words: "a, b and 3 more".
    pub(crate) fn names(mut self, names: &[String]) -> Self {
        const SHOWN: usize = 4;
        let cut = if names.len() > SHOWN {
            SHOWN - 1
        } else {
            names.len()
        };
        for (i, name) in names[..cut].iter().enumerate() {
            if i > 0 {
                let last = i + 1 == names.len();
                self = self.text(if last { " and " } else { ", " });
            }
            self = self.name(name);
        }
        if cut < names.len() {
            self = self.text(format!(" and {} more", names.len() - cut));
        }
        self
    }

    /// The text without marks.
    pub(crate) fn plain(&self) -> String {
        self.0
            .iter()
            .map(|w| match w {
                Word::Text(t) | Word::Name(t) => t.as_str(),
            })
            .collect()
    }
}
