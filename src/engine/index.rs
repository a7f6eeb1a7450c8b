//! Typed indices into the tables of a run: a number of a thread cannot be taken for a number of a task.

/// Defines index types for [`typed_index_collections::TiVec`].
macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl From<usize> for $name {
            #[inline]
            fn from(place: usize) -> Self {
                Self(u32::try_from(place).expect("limits keep every table below 2^32"))
            }
        }

        impl From<$name> for u32 {
            #[inline]
            fn from(index: $name) -> Self {
                index.0
            }
        }

        impl From<$name> for usize {
            #[inline]
            fn from(index: $name) -> Self {
                index.0 as usize
            }
        }
    )*};
}

pub(crate) use indices;
