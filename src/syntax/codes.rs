//! Enums of codes: the stable names of what the program says, each with its meaning and its explanation.

/// An enum whose variants have a text that stays the same between versions, a meaning (their documentation) and an explanation:
/// `explain/TEXT.md` beside the file that calls the macro, without which it does not compile.
macro_rules! codes {
    (
        #[doc = $about:literal]
        pub enum $Codes:ident { $($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+ }
    ) => {
        #[doc = $about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $Codes { $($(#[doc = $doc])+ $name,)+ }

        impl $Codes {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable text, as in `error[unknown-field]`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// One sentence on what the code means.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii()),+ }
            }

            /// What there is to say about it at length, with an example, as Markdown.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("explain/", $text, ".md"))),+ }
            }
        }

        impl std::fmt::Display for $Codes {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use codes;
