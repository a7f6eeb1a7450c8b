//! A macro for enums of codes: the stable names of the program's messages, each with a meaning and an explanation.

/// Defines an enum of codes. Each variant has a text that stays the same between versions, a meaning (its doc comment) and an explanation:
/// the file `explain/TEXT.md` beside the file that calls the macro. Without that file the program does not compile.
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

            /// A longer explanation of the code with an example, in Markdown.
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
