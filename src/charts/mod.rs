//! Pictures: what is drawn, as data with a title that its own numbers bear out ([`figure`]), laid out once as a sheet of shapes (`drawing`),
//! and written as SVG and PNG files ([`plot`]). The page writes the same sheets.

pub(crate) mod drawing;
pub mod figure;
pub mod plot;
pub mod scale;
